using System.Buffers;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// What HAProxy says on one connection and what becomes of it: HELLO is answered, a NOTIFY is taken into work, anything that breaks the
/// rules ends it.
/// </summary>
/// <remarks>For the read loop; NOTIFYs end on any thread. The loop waits for all of them before it disposes of this.</remarks>
/// <param name="id">The connection, for the log.</param>
/// <param name="output">Where answers go.</param>
/// <param name="frontEnd">Answers NOTIFYs.</param>
/// <param name="emptied">Called, on any thread, when the last NOTIFY in work has ended.</param>
internal sealed partial class SpopDispatcher(string id, FrameOutput output, SpopFrontEnd frontEnd, Action emptied) : IDisposable
{
    // A buffer of fragments grows by doubling.
    private const int PerFragmentByte = 2;

    private readonly SpopListenerOptions _options = frontEnd.Options;
    private readonly SpopReplies _replies = new(output, frontEnd.Options, frontEnd.Time);
    private readonly SpopReassembler _fragments = new(frontEnd.Options.Fragments);
    private readonly BudgetShare _fragmentMemory = new(frontEnd.BodyMemory);
    private readonly BudgetShare _partial = new(frontEnd.PartialFrames);
    private SpopTerms? _terms;
    private int _bufferSize;

    /// <summary>Whether HELLO was answered.</summary>
    public bool IsGreeted => _terms is not null;

    /// <summary>Whether HAProxy was told goodbye: it closes when it reads that, whatever else we have sent.</summary>
    public bool HasLeft { get; set; }

    /// <summary>Whether fragments of a message are kept.</summary>
    public bool HasFragments => _fragments.Open > 0;

    /// <summary>Why it has ended; null while it has not.</summary>
    public SpopConnectionEnd? End { get; private set; }

    /// <summary>
    /// Takes every whole frame off the buffer, until the connection is to end or the bound of messages in work is reached.
    /// </summary>
    /// <param name="buffer">What was received; the rest stays.</param>
    /// <param name="frames">How many frames were taken.</param>
    /// <returns>False when messages in work have to end before it goes on.</returns>
    public bool TakeAll(ref ReadOnlySequence<byte> buffer, out int frames)
    {
        FlushBatch.Begin();
        try
        {
            for (frames = 0; End is null; frames++)
            {
                if (InFlight >= _options.MaxInFlight)
                {
                    return false;
                }

                var limit = _terms?.MaxFrameSize ?? SpopLimits.MaxHelloLength;
                switch (SpopFrameScanner.TryRead(ref buffer, limit, out var frame, out var error))
                {
                    case SpopScanStatus.NeedMore:
                        HoldPartial(buffer.Length);
                        return true;
                    case SpopScanStatus.Invalid:
                        End = SpopConnectionEnd.Violation(error);
                        return true;
                    default:
                        FlushBatch.Next(frame.Payload.Length);
                        Take(frame);
                        break;
                }
            }

            return true;
        }
        finally
        {
            FlushBatch.End();
        }
    }

    /// <summary>Gives up fragmented messages that were begun before a moment; each is answered with its last fragment.</summary>
    public void Expire(long before)
    {
        if (HasFragments && _fragments.Expire(before) > 0)
        {
            _fragmentMemory.TrySettle(_fragments.Bytes * PerFragmentByte);
        }
    }

    public void Dispose()
    {
        _replies.Dispose();
        _fragments.Dispose();
        _fragmentMemory.Dispose();
        _partial.Dispose();
    }

    // The beginning of a frame stays in the pipe until the rest comes, at most until its deadline.
    private void HoldPartial(long bytes)
    {
        if (!_partial.TrySettle(Math.Max(0, bytes - SpopListenerOptions.FreePartialBytes)))
        {
            End = SpopConnectionEnd.Violation(new(
                SpopStatus.ResourceAllocation,
                $"{bytes} bytes of an unfinished frame; unfinished frames of all connections may have {_options.MaxPartialBytes} beyond "
                + $"{SpopListenerOptions.FreePartialBytes} of each"));
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
                End = SpopConnectionEnd.Violation(error);
                break;
        }
    }

    private void Greet(in SpopFrame frame)
    {
        using var payload = SpopPayload.Of(frame.Payload);
        if (!SpopHello.TryRead(payload.Span, out var hello, out var error))
        {
            End = SpopConnectionEnd.Violation(error);
            return;
        }

        var terms = hello!.Accept(_options.MaxFrameSize, _options.Fragments.MaxOpen > 0);
        _terms = terms;
        _replies.MaxFrameSize = terms.MaxFrameSize;

        // HAProxy offers its buffer less the length in front of a frame (proxy integration §1.5).
        _bufferSize = (int)Math.Min(hello.MaxFrameSize, int.MaxValue - SpopLimits.LengthSize) + SpopLimits.LengthSize;
        var answer = new ArrayBufferWriter<byte>();
        terms.WriteHello(answer);
        output.TryAppend(answer.WrittenSpan);
        Log.Greeted(frontEnd.Logger, _options.Name, id, hello.EngineId, terms.MaxFrameSize);
        if (hello.IsHealthCheck)
        {
            End = SpopConnectionEnd.Checked;
        }
    }

    private void TakeDisconnect(in SpopFrame frame)
    {
        using var payload = SpopPayload.Of(frame.Payload);
        End = SpopDisconnect.TryRead(payload.Span, out var said, out var error)
            ? SpopConnectionEnd.Disconnected(said) : SpopConnectionEnd.Violation(error);
    }

    private void TakeMessage(in SpopFrame frame)
    {
        var assembly = _fragments.Add(frame, frontEnd.Time.GetTimestamp(), out var payload, out var error);
        if (!_fragmentMemory.TrySettle(_fragments.Bytes * PerFragmentByte))
        {
            // Of all that is collected here: whose turn would be next nobody knows. They end as refused.
            _fragments.GiveUp();
            _fragmentMemory.TrySettle(0);
        }

        switch (assembly)
        {
            case SpopAssembly.Violation:
                End = SpopConnectionEnd.Violation(error);
                break;
            case SpopAssembly.Refused:
                if (frontEnd.Throttle.MayLog("fragments", out var more))
                {
                    Log.NotKept(frontEnd.Logger, _options.Name, error.Message, more);
                }

                Begin(NotifyRequest.OfLost(frame, error));
                break;
            case SpopAssembly.Complete when NotifyRequest.Read(frame, payload, frontEnd.Reader, _bufferSize, out error) is { } request:
                request.Question = frontEnd.MustAskElsewhere(request)
                    ? SpopRelay.Question(frame, request.Payload, _bufferSize, _replies.MaxFrameSize)
                    : null;
                Begin(request);
                break;
            case SpopAssembly.Complete:
                End = SpopConnectionEnd.Violation(error);
                break;
        }
    }
}
