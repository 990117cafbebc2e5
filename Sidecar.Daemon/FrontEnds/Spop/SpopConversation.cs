using System.Buffers;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// What HAProxy says on one connection and what becomes of it: HELLO is answered, a NOTIFY becomes a turn, anything that breaks the rules ends it.
/// </summary>
/// <remarks>For the read loop, but for <see cref="Turns"/>, which end on any thread. The loop waits for all turns before it disposes of this.</remarks>
internal sealed class SpopConversation : IDisposable
{
    private readonly string _id;
    private readonly SpopFrontEnd _frontEnd;
    private readonly SpopListenerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LogThrottle _throttle;
    private readonly FrameOutput _output;
    private readonly SpopReplies _replies;
    private readonly SpopFragments _fragments;
    private readonly BudgetShare _partial;
    private SpopTerms? _terms;
    private int _bufferSize;

    /// <summary>A conversation that has not begun.</summary>
    public SpopConversation(
        string id, FrameOutput output, SpopFrontEnd frontEnd, SpopListenerOptions options, ByteBudget memory, TimeProvider time, ILogger logger,
        LogThrottle pace)
    {
        (_id, _output, _frontEnd, _options, _time, _logger, _throttle) = (id, output, frontEnd, options, time, logger, pace);
        _replies = new SpopReplies(output, options, time);
        _fragments = new SpopFragments(options.Fragments, memory);
        _partial = new BudgetShare(frontEnd.PartialFrames);
        Turns = new InFlightNotifies(options.MaxInFlight);
    }

    /// <summary>The NOTIFYs in work.</summary>
    public InFlightNotifies Turns { get; }

    /// <summary>Whether HELLO was answered.</summary>
    public bool IsGreeted => _terms is not null;

    /// <summary>Whether HAProxy was told goodbye: it closes when it reads that, whatever else we have sent.</summary>
    public bool HasLeft { get; set; }

    /// <summary>Whether fragments of a message are kept.</summary>
    public bool HasFragments => _fragments.HasAny;

    /// <summary>Why it has ended; null while it has not.</summary>
    public SpopSessionEnd? End { get; private set; }

    /// <summary>Takes every whole frame off the buffer, until the conversation ends or the bound of messages in work is reached.</summary>
    /// <param name="buffer">What was received; the rest stays.</param>
    /// <param name="frames">How many frames were taken.</param>
    /// <returns>False when messages in work have to end before it goes on.</returns>
    public bool TakeAll(ref ReadOnlySequence<byte> buffer, out int frames)
    {
        for (frames = 0; End is null; frames++)
        {
            if (!Turns.HasRoom)
            {
                return false;
            }

            switch (SpopFrameScanner.TryRead(ref buffer, _terms?.MaxFrameSize ?? SpopLimits.MaxHelloLength, out var frame, out var error))
            {
                case SpopScanStatus.NeedMore:
                    HoldPartial(buffer.Length);
                    return true;
                case SpopScanStatus.Invalid:
                    End = SpopSessionEnd.Violation(error);
                    return true;
                default:
                    FlushBatch.Next(frame.Payload.Length);
                    Take(frame);
                    break;
            }
        }

        return true;
    }

    /// <summary>Gives up fragmented messages that were begun before a moment; each is answered with its last fragment.</summary>
    public void Expire(long before) => _fragments.Expire(before);

    public void Dispose()
    {
        _replies.Dispose();
        _fragments.Dispose();
        _partial.Dispose();
    }

    // The beginning of a frame stays in the pipe until the rest comes, at most until its deadline.
    private void HoldPartial(long bytes)
    {
        if (!_partial.TrySettle(Math.Max(0, bytes - SpopListenerOptions.FreePartialBytes)))
        {
            End = SpopSessionEnd.Violation(new(
                SpopStatus.ResourceAllocation,
                $"{bytes} bytes of an unfinished frame; unfinished frames of all connections may have {_options.MaxPartialBytes} beyond {SpopListenerOptions.FreePartialBytes} of each"));
        }
    }

    private void Take(in SpopFrame frame)
    {
        switch (SpopFrameOrder.Judge(frame, IsGreeted, out var error))
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
                End = SpopSessionEnd.Violation(error);
                break;
        }
    }

    private void Greet(in SpopFrame frame)
    {
        using var payload = SpopPayload.Of(frame.Payload);
        if (!SpopHello.TryRead(payload.Span, out var hello, out var error))
        {
            End = SpopSessionEnd.Violation(error);
            return;
        }

        var terms = hello!.Accept(_options.MaxFrameSize, _options.Fragments.MaxOpen > 0);
        _terms = terms;
        _replies.MaxFrameSize = terms.MaxFrameSize;

        // HAProxy offers its buffer less the length in front of a frame (proxy integration §1.5).
        _bufferSize = (int)Math.Min(hello.MaxFrameSize, int.MaxValue - SpopLimits.LengthSize) + SpopLimits.LengthSize;
        var answer = new ArrayBufferWriter<byte>();
        terms.WriteHello(answer);
        _output.TryAppend(answer.WrittenSpan);
        Log.Greeted(_logger, _options.Name, _id, hello.EngineId, terms.MaxFrameSize);
        if (hello.IsHealthCheck)
        {
            End = SpopSessionEnd.Checked;
        }
    }

    private void TakeDisconnect(in SpopFrame frame)
    {
        using var payload = SpopPayload.Of(frame.Payload);
        End = SpopDisconnect.TryRead(payload.Span, out var said, out var error) ? SpopSessionEnd.Disconnected(said) : SpopSessionEnd.Violation(error);
    }

    private void TakeMessage(in SpopFrame frame)
    {
        switch (_fragments.Add(frame, _time.GetTimestamp(), out var payload, out var error))
        {
            case SpopAssembly.Violation:
                End = SpopSessionEnd.Violation(error);
                break;
            case SpopAssembly.Refused:
                if (_throttle.MayLog("fragments", out var more))
                {
                    Log.NotKept(_logger, _options.Name, error.Message, more);
                }

                Begin(NotifyRequest.OfLost(frame, error));
                break;
            case SpopAssembly.Complete when NotifyRequest.Read(frame, payload, _frontEnd.Reader, _bufferSize, out error) is { } request:
                request.Question = _frontEnd.MustAskElsewhere(request)
                    ? SpopRelay.Question(frame, request.Payload, _bufferSize, _replies.MaxFrameSize)
                    : null;
                Begin(request);
                break;
            case SpopAssembly.Complete:
                End = SpopSessionEnd.Violation(error);
                break;
        }
    }

    private void Begin(NotifyRequest request)
    {
        request.IsUnheard = HasLeft;
        Turns.Add(request);
        var answering = _frontEnd.AnswerAsync(request, _replies);
        if (answering.IsCompleted)
        {
            Finish(request, answering);
        }
        else
        {
            FinishLater(request, answering);
        }
    }

    // Not a method that waits: what waits for agents is the front end's alone.
    private void FinishLater(NotifyRequest request, ValueTask answering) =>
        answering.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() => Finish(request, answering));

    private void Finish(NotifyRequest request, ValueTask answered)
    {
        // Gives it back to its pool; it never throws.
        answered.GetAwaiter().GetResult();
        request.Dispose();
        Turns.Remove(request);
    }
}
