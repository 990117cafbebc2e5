using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Takeover;

/// <summary>
/// One connection between two daemons at the same listener: both ask each other about exchanges that they do not know, many at once.
/// </summary>
/// <remarks>
/// Whatever the other does costs the link at most: frames, calls and bytes are bounded, everything waited for has a deadline. All members
/// are safe from any thread.
/// </remarks>
internal sealed class TakeoverLink
{
    private const byte Version = 1;
    private const byte Yes = 1;

    private readonly IDuplexPipe _pipe;
    private readonly LinkOptions _options;
    private readonly Func<IRelayedFrontEnd?> _frontEnd;
    private readonly Action _superseded;
    private readonly ILogger _logger;
    private readonly FrameOutput _output;
    private readonly LinkCalls _calls;
    private readonly LinkWork _work;
    private volatile bool _isGreeted;

    /// <summary>A link that does not move yet.</summary>
    /// <param name="pipe">The connection; completed at the end.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="frontEnd">Who answers the other's questions; null while nobody does.</param>
    /// <param name="superseded">Called when the other says that it has taken this one's place.</param>
    /// <param name="logger">Is told why it ended.</param>
    public TakeoverLink(IDuplexPipe pipe, LinkOptions options, Func<IRelayedFrontEnd?> frontEnd, Action superseded, ILogger logger)
    {
        (_pipe, _options, _frontEnd, _superseded, _logger) = (pipe, options, frontEnd, superseded, logger);
        _output = new FrameOutput(pipe.Output, options.MaxUnsent);
        _calls = new LinkCalls(options.MaxCalls, options.Time);
        _work = new LinkWork(options, SendAsync, logger);
    }

    /// <summary>Whether the other has introduced itself, and the link has not ended.</summary>
    public bool IsOpen => _isGreeted;

    /// <summary>Serves the link until either side ends it. Never throws.</summary>
    public async Task RunAsync()
    {
        var writing = _output.RunAsync();
        _output.TryAppend(LinkFrame.Of(LinkFrameKind.Hello, 0, [Version], Encoding.UTF8.GetBytes(_options.Kind)));
        var problem = await ReadAsync();
        _isGreeted = false;
        _calls.Close();
        await _work.EndAsync();
        _output.Close(discard: problem is not null);
        await ((Task)writing).WaitAsync(_options.Patience, _options.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _output.Close(discard: true);
        await writing;
        await _pipe.Input.CompleteAsync();
        await _pipe.Output.CompleteAsync();
        Log.Ended(_logger, _options.Kind, problem ?? "the other daemon closed it, or this one did");
    }

    /// <summary>Asks the other.</summary>
    /// <inheritdoc cref="IExchangeRelay.AskAsync"/>
    public async ValueTask<byte[]?> AskAsync(string key, ReadOnlyMemory<byte> question, long deadline, CancellationToken gone)
    {
        if (!_isGreeted || question.Length > LinkFrame.MaxLength - LinkFrame.HeaderSize - sizeof(uint))
        {
            return null;
        }

        var known = await CallAsync(
            static (call, state) => LinkFrame.Of(LinkFrameKind.Knows, call, Encoding.UTF8.GetBytes(state.key)), (key, question),
            Left(deadline) / 8, gone);
        if (known is not [Yes])
        {
            return null;
        }

        var left = Left(deadline);
        var budget = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(budget, (uint)Math.Clamp(left.TotalMilliseconds, 0, uint.MaxValue));
        return await CallAsync(
            (call, state) => LinkFrame.Of(LinkFrameKind.Ask, call, budget, state.question.Span), (key, question), left, gone);
    }

    /// <summary>Tells the other that its place is taken.</summary>
    public void Supersede() => _output.TryAppend(LinkFrame.Of(LinkFrameKind.Superseded, 0));

    /// <summary>Ends it; what is under way ends without an answer.</summary>
    public void Close()
    {
        _output.Close(discard: false);
        _pipe.Input.CancelPendingRead();
    }

    private async ValueTask<byte[]?> CallAsync<T>(Func<ulong, T, byte[]> frame, T state, TimeSpan wait, CancellationToken gone)
    {
        if (_calls.TryBegin(out var reply) is not { } call)
        {
            return null;
        }

        if (_output.TryAppend(frame(call, state)) != SendStatus.Sent)
        {
            _calls.Fail(call);
        }

        var answer = await _calls.WaitAsync(call, reply, wait, gone);
        if (!reply.IsCompleted)
        {
            _output.TryAppend(LinkFrame.Of(LinkFrameKind.Cancel, call));
        }

        return answer;
    }

    // Null at an end in order.
    private async Task<string?> ReadAsync()
    {
        using var introduction = new CancellationTokenSource(_options.Patience, _options.Time);
        try
        {
            while (true)
            {
                var result = await _pipe.Input.ReadAsync(_isGreeted ? CancellationToken.None : introduction.Token);
                var buffer = result.Buffer;
                string? error;
                while (LinkFrame.TryRead(ref buffer, out var frame, out error))
                {
                    if (Take(frame) is { } problem)
                    {
                        return problem;
                    }
                }

                _pipe.Input.AdvanceTo(buffer.Start, buffer.End);
                if (error is not null || result.IsCompleted || result.IsCanceled)
                {
                    return error ?? (result.IsCompleted && !buffer.IsEmpty ? "it ended in the middle of a frame" : null);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return $"the other did not introduce itself within {_options.Patience.TotalSeconds:0.#} s";
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    // What is wrong with it; null when nothing is.
    private string? Take(in LinkFrame frame)
    {
        if (!_isGreeted)
        {
            return Greet(frame);
        }

        switch (frame.Kind)
        {
            case LinkFrameKind.Knows:
                var knows = _frontEnd()?.Knows(Encoding.UTF8.GetString(frame.Payload)) == true;
                _output.TryAppend(LinkFrame.Of(LinkFrameKind.Known, frame.Call, [knows ? Yes : (byte)0]));
                break;
            case LinkFrameKind.Known or LinkFrameKind.Answer:
                _calls.Complete(frame.Call, frame.Payload);
                break;
            case LinkFrameKind.NoAnswer:
                _calls.Fail(frame.Call);
                break;
            case LinkFrameKind.Ask:
                _work.Begin(frame.Call, frame.Payload, _frontEnd());
                break;
            case LinkFrameKind.Cancel:
                _work.Cancel(frame.Call);
                break;
            case LinkFrameKind.Superseded:
                _superseded();
                break;
            default:
                return "it introduced itself twice";
        }

        return null;
    }

    private string? Greet(in LinkFrame frame)
    {
        if (frame.Kind != LinkFrameKind.Hello || frame.Payload.IsEmpty)
        {
            return $"its first frame is {frame.Kind}, not {LinkFrameKind.Hello}";
        }

        var version = frame.Payload.FirstSpan[0];
        var kind = Encoding.UTF8.GetString(frame.Payload.Slice(1));
        _isGreeted = version == Version && kind == _options.Kind;
        return _isGreeted
            ? null
            : $"it is a {kind} listener with version {version} of links; this is a {_options.Kind} listener with version {Version}";
    }

    private async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> frame)
    {
        var start = _options.Time.GetTimestamp();
        while (_output.TryAppend(frame.Span) is var status and not SendStatus.Sent)
        {
            var left = _options.Patience - _options.Time.GetElapsedTime(start);
            if (status == SendStatus.Closed || left <= TimeSpan.Zero)
            {
                // Who leaves answers unread for so long gets no other.
                _output.Close(discard: true);
                _pipe.Input.CancelPendingRead();
                return false;
            }

            await _output.WaitForRoomAsync().WaitAsync(left, _options.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return true;
    }

    private TimeSpan Left(long deadline) => _options.Time.GetElapsedTime(_options.Time.GetTimestamp(), deadline);
}
