using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>One connection of HAProxy: HELLO, then any number of NOTIFYs that are answered as they are judged, then the end (proxy-integration §1.5, §1.6).</summary>
/// <remarks>
/// One loop reads, one writes; the answers come from wherever their inspection ends. Whatever the peer does costs this connection at most, and
/// what is kept for it is bounded: one frame, its fragments, its messages in work, its unsent answers.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Running to the end is what disposes of them.")]
internal sealed class SpopSession
{
    private readonly string _id;
    private readonly IDuplexPipe _pipe;
    private readonly SpopFrontEnd _frontEnd;
    private readonly SpopListenerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LogPace _pace;
    private readonly FrameOutput _output;
    private readonly SpopReplies _replies;
    private readonly SpopTurns _turns;
    private readonly SpopFragments _fragments;
    private readonly SpopWatch _watch;
    private SpopSessionEnd? _end;
    private SpopTerms? _terms;
    private int _bufferSize;
    private volatile bool _stopping;

    /// <summary>A session that has not begun.</summary>
    public SpopSession(string id, IDuplexPipe pipe, SpopFrontEnd frontEnd, SpopListenerOptions options, ByteBudget memory, TimeProvider time, ILogger logger, LogPace pace)
    {
        (_id, _pipe, _frontEnd, _options, _time, _logger, _pace) = (id, pipe, frontEnd, options, time, logger, pace);
        _output = new FrameOutput(pipe.Output, options.MaxUnsent);
        _replies = new SpopReplies(_output, options, time);
        _turns = new SpopTurns(options.MaxInFlight);
        _fragments = new SpopFragments(options.Fragments, memory);
        _watch = new SpopWatch(options, time, _output);
    }

    /// <summary>Why it ended; meaningful when <see cref="RunAsync"/> has returned.</summary>
    public SpopSessionEnd End => _end ?? SpopSessionEnd.Closed;

    /// <summary>NOTIFYs in work.</summary>
    public int InFlight => _turns.Count;

    /// <summary>Serves the connection to its end. Never throws.</summary>
    public async Task RunAsync()
    {
        var writing = _output.RunAsync();
        await ReadAsync(writing).ConfigureAwait(false);
        if (End.IsOrderly)
        {
            await _turns.EmptyAsync().ConfigureAwait(false);
        }
        else
        {
            _turns.AbandonAll();
        }

        await CloseAsync(writing).ConfigureAwait(false);

        // Each ends by its deadline at the latest.
        await _turns.EmptyAsync().ConfigureAwait(false);
        _replies.Dispose();
        _fragments.Dispose();
        if (End.Reason == "violation" && _pace.MayLog("violation", out var more))
        {
            Log.Refused(_logger, _options.Name, _id, End.Status.GetValueOrDefault(), End.Message, more);
        }

        Log.Ended(_logger, _options.Name, _id, End.Reason, End.Message);
    }

    /// <summary>Takes no more; answers what is in work, says goodbye and ends.</summary>
    public void Stop()
    {
        _stopping = true;
        _pipe.Input.CancelPendingRead();
    }

    /// <summary>Looks after deadlines; called every second, from any thread.</summary>
    public void Look()
    {
        if (_watch.IsNotReading())
        {
            _output.Close(discard: true);
        }

        _pipe.Input.CancelPendingRead();
    }

    private async Task ReadAsync(Task<Exception?> writing)
    {
        try
        {
            while (_end is null)
            {
                var result = await _pipe.Input.ReadAsync().ConfigureAwait(false);
                var buffer = result.Buffer;
                var hasRoom = Take(ref buffer);
                var rest = buffer.Length;
                _pipe.Input.AdvanceTo(buffer.Start, hasRoom ? buffer.End : buffer.Start);
                if (_end is not null)
                {
                    return;
                }

                if (!hasRoom)
                {
                    await _turns.RoomAsync().ConfigureAwait(false);
                    continue;
                }

                _watch.Note(rest, _terms is not null, _turns.Count > 0);
                _end = writing.IsCompleted ? SpopSessionEnd.NotReading
                    : _stopping ? SpopSessionEnd.Stopped
                    : result.IsCompleted ? (rest == 0 ? SpopSessionEnd.Closed : SpopSessionEnd.Broken($"HAProxy closed in the middle of a frame, after {rest} bytes of it"))
                    : _watch.Overdue();
                _fragments.Expire(_watch.Before(_options.FrameTimeout));
            }
        }
        catch (Exception e)
        {
            _end ??= SpopSessionEnd.Broken(e.Message);
        }
    }

    // Handles every whole frame; false when the bound of messages in work stops it before the end.
    private bool Take(ref ReadOnlySequence<byte> buffer)
    {
        while (_end is null)
        {
            if (!_turns.HasRoom)
            {
                return false;
            }

            switch (SpopFrameScanner.TryRead(ref buffer, _terms?.MaxFrameSize ?? SpopLimits.MaxHelloLength, out var frame, out var error))
            {
                case SpopScanStatus.NeedMore:
                    return true;
                case SpopScanStatus.Invalid:
                    _end = SpopSessionEnd.Violation(error);
                    return true;
                default:
                    _watch.FrameCame();
                    Take(frame);
                    break;
            }
        }

        return true;
    }

    private void Take(in SpopFrame frame)
    {
        switch (SpopFrameOrder.Judge(frame, _terms is not null, out var error))
        {
            case SpopFrameUse.Hello:
                Greet(frame);
                break;
            case SpopFrameUse.Message:
                TakeMessage(frame);
                break;
            case SpopFrameUse.Disconnect:
                TakeDisconnect(frame);
                break;
            case SpopFrameUse.Refuse:
                _end = SpopSessionEnd.Violation(error);
                break;
        }
    }

    private void Greet(in SpopFrame frame)
    {
        using var payload = SpopPayload.Of(frame.Payload);
        if (!SpopHello.TryRead(payload.Span, out var hello, out var error))
        {
            _end = SpopSessionEnd.Violation(error);
            return;
        }

        var terms = hello!.Accept(_options.MaxFrameSize, _options.Fragments.MaxOpen > 0);
        _terms = terms;
        _replies.MaxFrameSize = terms.MaxFrameSize;

        // HAProxy offers its buffer less the length in front of a frame (§1.5).
        _bufferSize = (int)Math.Min(hello.MaxFrameSize, int.MaxValue - SpopLimits.LengthSize) + SpopLimits.LengthSize;
        var answer = new ArrayBufferWriter<byte>();
        terms.WriteHello(answer);
        _output.TryAppend(answer.WrittenSpan);
        Log.Greeted(_logger, _options.Name, _id, hello.EngineId, terms.MaxFrameSize);
        if (hello.IsHealthCheck)
        {
            _end = SpopSessionEnd.Checked;
        }
    }

    private void TakeDisconnect(in SpopFrame frame)
    {
        using var payload = SpopPayload.Of(frame.Payload);
        _end = SpopDisconnect.TryRead(payload.Span, out var said, out var error) ? SpopSessionEnd.Disconnected(said) : SpopSessionEnd.Violation(error);
    }

    private void TakeMessage(in SpopFrame frame)
    {
        var assembly = _fragments.Add(frame, _time.GetTimestamp(), out var payload, out var error);
        using (payload)
        {
            switch (assembly)
            {
                case SpopAssembly.Violation:
                    _end = SpopSessionEnd.Violation(error);
                    break;
                case SpopAssembly.Refused:
                    if (_pace.MayLog("fragments", out var more))
                    {
                        Log.NotKept(_logger, _options.Name, error.Message, more);
                    }

                    Begin(SpopTurnReader.OfLost(frame, error));
                    break;
                case SpopAssembly.Complete when SpopNotify.TryRead(payload.Span, out var notify, out error):
                    Begin(SpopTurnReader.Of(frame, notify, _frontEnd.Reader, _bufferSize));
                    break;
                case SpopAssembly.Complete:
                    _end = SpopSessionEnd.Violation(error);
                    break;
            }
        }
    }

    private void Begin(SpopTurn turn)
    {
        _turns.Add(turn);
        _ = AnswerAsync(turn);
    }

    private async Task AnswerAsync(SpopTurn turn)
    {
        await _frontEnd.AnswerAsync(turn, _replies).ConfigureAwait(false);
        turn.Dispose();
        _turns.Remove(turn);
    }

    private async Task CloseAsync(Task<Exception?> writing)
    {
        if (End.Status is { } status)
        {
            var goodbye = new ArrayBufferWriter<byte>();
            SpopDisconnect.Write(goodbye, status, End.Message);
            _output.TryAppend(goodbye.WrittenSpan);
        }

        _output.Close(discard: false);
        try
        {
            await writing.WaitAsync(_options.WriteTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _output.Close(discard: true);
            await writing.ConfigureAwait(false);
        }

        await _pipe.Input.CompleteAsync().ConfigureAwait(false);
        await _pipe.Output.CompleteAsync().ConfigureAwait(false);
    }
}
