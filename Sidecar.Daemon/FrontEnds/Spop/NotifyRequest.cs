using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>One NOTIFY in work. Ends with one ACK, or with its connection.</summary>
internal sealed class NotifyRequest : IDisposable
{
    private readonly Lock _gate = new();
    private Exchange? _exchange;
    private CancellationTokenSource? _asking;
    private ByteBudget? _memory;
    private SpopPayload _payload;
    private volatile bool _isGone;

    /// <summary>The stream id to echo.</summary>
    public required ulong StreamId { get; init; }

    /// <summary>The frame id to echo.</summary>
    public required ulong FrameId { get; init; }

    /// <summary>What is asked about.</summary>
    public required SpopPhase Phase { get; init; }

    /// <summary>What HAProxy told.</summary>
    public required NotifyArguments Arguments { get; init; }

    /// <summary>Why the message was not kept, although its stream waits for an answer; null when it was.</summary>
    public Cause? Refused { get; init; }

    /// <summary>What another daemon is asked, because the exchange is not known here; null where it is, or there is no other.</summary>
    public byte[]? Question { get; set; }

    /// <summary>Whether HAProxy asked before it read our goodbye, and so will not hear the answer.</summary>
    public bool IsUnheard { get; set; }

    /// <summary>What is left of the phase's time, where another daemon has spent some; null for all of it.</summary>
    public TimeSpan? Budget { get; set; }

    /// <summary>Whether nobody waits for the answer any more.</summary>
    public bool IsGone => _isGone;

    /// <summary>The payload; until <see cref="Hold"/>.</summary>
    public ReadOnlySpan<byte> Payload => _payload.Span;

    /// <summary>
    /// Keeps the payload for the body in it, which counts against the daemon's body memory; without a body it is given back at once.
    /// </summary>
    /// <param name="memory">When it has too little left, the body is lost.</param>
    public void Hold(ByteBudget memory)
    {
        if (Arguments.BodyBytes.IsEmpty)
        {
            _payload.Dispose();
        }
        else if (memory.TryReserve(_payload.Capacity))
        {
            _memory = memory;
        }
        else
        {
            (Arguments.Body, Arguments.IsBodyLost) = (null, true);
            _payload.Dispose();
        }
    }

    /// <summary>The exchange that it is about, so that it can be abandoned.</summary>
    public void Attach(Exchange exchange)
    {
        lock (_gate)
        {
            _exchange = exchange;
            if (!_isGone)
            {
                return;
            }
        }

        exchange.Abandon();
    }

    /// <summary>Reads a NOTIFY. Of several messages the one that we know counts; two would be two questions with one answer.</summary>
    /// <param name="frame">Its last frame.</param>
    /// <param name="payload">The whole payload, taken over in any case.</param>
    /// <param name="reader">Reads the arguments.</param>
    /// <param name="bufferSize">HAProxy's buffer in bytes.</param>
    /// <param name="error">What is wrong with the payload.</param>
    /// <returns>Null when it cannot be read.</returns>
    public static NotifyRequest? Read(
        in SpopFrame frame, SpopPayload payload, NotifyArgumentsReader reader, int bufferSize, out SpopError error)
    {
        if (!SpopNotify.TryRead(payload.Span, out var notify, out error))
        {
            payload.Dispose();
            return null;
        }

        var phase = SpopPhase.None;
        NotifyArguments? args = null;
        foreach (var message in notify)
        {
            if (PhaseOf(message.Name) is not SpopPhase.None and var named)
            {
                if (args is not null)
                {
                    args.Misconfigured ??= "a NOTIFY has two messages of ours; put one into each spoe-group";
                    break;
                }

                (phase, args) = (named, reader.Read(message, payload.Memory, named, bufferSize));
            }
        }

        return new NotifyRequest
        {
            StreamId = frame.StreamId,
            FrameId = frame.FrameId,
            Phase = phase,
            Arguments = args ?? new NotifyArguments(),
            _payload = payload,
        };
    }

    private static SpopPhase PhaseOf(ReadOnlySpan<byte> message) =>
        message.SequenceEqual("sidecar-request"u8) || message.SequenceEqual("sidecar-request-head"u8) ? SpopPhase.Request
        : message.SequenceEqual("sidecar-response"u8) || message.SequenceEqual("sidecar-response-head"u8) ? SpopPhase.Response
        : SpopPhase.None;

    /// <summary>That of a message that was not kept.</summary>
    public static NotifyRequest OfLost(in SpopFrame frame, in SpopError error) => new()
    {
        StreamId = frame.StreamId,
        FrameId = frame.FrameId,
        Phase = SpopPhase.None,
        Arguments = new NotifyArguments(),
        Refused = error.Status switch
        {
            SpopStatus.FrameTooBig => Cause.TooLarge,
            SpopStatus.Timeout => Cause.Timeout,
            _ => Cause.BodyMemory,
        },
    };

    /// <summary>Another daemon is asked: fires when nobody waits for its answer any more.</summary>
    public CancellationToken Asking()
    {
        lock (_gate)
        {
            _asking = new CancellationTokenSource();
            return _isGone ? new CancellationToken(canceled: true) : _asking.Token;
        }
    }

    /// <summary>The connection is gone, and with it whoever waited.</summary>
    public void Abandon()
    {
        Exchange? exchange;
        lock (_gate)
        {
            _isGone = true;
            exchange = _exchange;
            _ = _asking?.CancelAsync();
        }

        exchange?.Abandon();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _asking?.Dispose();
            _asking = null;
        }

        _memory?.Return(_payload.Capacity);
        _memory = null;
        _payload.Dispose();
    }
}

/// <summary>What a NOTIFY asks about, chosen by the name of its <c>spoe-message</c> section.</summary>
internal enum SpopPhase
{
    /// <summary>Nothing we know.</summary>
    None,

    /// <summary>
    /// <c>sidecar-request</c>: a request with as much of its body as HAProxy holds; <c>sidecar-request-head</c>: without its body.
    /// </summary>
    Request,

    /// <summary><c>sidecar-response</c> and <c>sidecar-response-head</c>, likewise.</summary>
    Response,
}
