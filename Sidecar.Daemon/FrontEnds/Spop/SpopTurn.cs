using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>One NOTIFY in work. Ends with one ACK, or with its connection.</summary>
internal sealed class SpopTurn : IDisposable
{
    private readonly Lock _gate = new();
    private Exchange? _exchange;
    private CancellationTokenSource? _asking;
    private bool _isGone;

    /// <summary>The stream id to echo.</summary>
    public required ulong StreamId { get; init; }

    /// <summary>The frame id to echo.</summary>
    public required ulong FrameId { get; init; }

    /// <summary>What is asked about.</summary>
    public required SpopPhase Phase { get; init; }

    /// <summary>What HAProxy told.</summary>
    public required SpopFacts Facts { get; init; }

    /// <summary>Why the message was not kept, although its stream waits for an answer; null when it was.</summary>
    public Cause? Refused { get; init; }

    /// <summary>What another daemon is asked, because the exchange is not known here; null where it is, or there is no other.</summary>
    public byte[]? Question { get; set; }

    /// <summary>Whether HAProxy asked before it read our goodbye, and so will not hear the answer.</summary>
    public bool IsUnheard { get; set; }

    /// <summary>What is left of the phase's time, where another daemon has spent some; null for all of it.</summary>
    public TimeSpan? Budget { get; set; }

    /// <summary>Whether nobody waits for the answer any more.</summary>
    public bool IsGone
    {
        get
        {
            lock (_gate)
            {
                return _isGone;
            }
        }
    }

    /// <summary>The exchange that the turn is about, so that it can be abandoned.</summary>
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

        exchange.Abandon(Cause.ClientGone, CancelReason.ClientDisconnect);
    }

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

        exchange?.Abandon(Cause.ClientGone, CancelReason.ClientDisconnect);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _asking?.Dispose();
            _asking = null;
        }

        Facts.Dispose();
    }
}
