using System.Buffers;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// The bodies of an exchange: a flow for each direction, made with its first piece, and one more for each agent that only watches.
/// </summary>
/// <remarks>Safe from any thread; disposed of once, when no piece is on its way.</remarks>
internal sealed class ExchangeBodies(Exchange exchange) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly BodyPipeline?[] _flows = new BodyPipeline?[2];
    private readonly BodyBuffer?[] _kept = new BodyBuffer?[2];
    private readonly MonitorFlow[]?[] _monitors = new MonitorFlow[]?[2];
    private bool _isDisposed;

    /// <summary>The flow of a direction; null when none of that body has come.</summary>
    public BodyPipeline? FlowOf(Direction direction) => Volatile.Read(ref _flows[(int)direction]);

    /// <summary>The flow of a direction.</summary>
    public BodyPipeline Of(Direction direction, BodyServices services)
    {
        lock (_lock)
        {
            return _flows[(int)direction] ??= new BodyPipeline(exchange, direction, exchange.Enforced, services);
        }
    }

    /// <summary>The flows of the agents that only watch.</summary>
    public MonitorFlow[] MonitorsOf(Direction direction, BodyServices services)
    {
        lock (_lock)
        {
            if (_monitors[(int)direction] is { } made)
            {
                return made;
            }

            var flows = exchange.Monitors.IsEmpty ? [] : new MonitorFlow[exchange.Monitors.Length];
            for (var i = 0; i < flows.Length; i++)
            {
                var participant = exchange.Monitors[i];
                var flow = new BodyPipeline(exchange, direction, [participant], services, isCopy: true);
                flows[i] = new MonitorFlow(participant, flow, BodyPipeline.KindOf(direction));
            }

            return _monitors[(int)direction] = flows;
        }
    }

    /// <summary>
    /// Keeps released bytes that a front end cannot send yet; false when there is no memory for them now, or the exchange has ended.
    /// </summary>
    public bool TryKeep(Direction direction, in ReadOnlySequence<byte> bytes, ByteBudget memory)
    {
        lock (_lock)
        {
            if (_isDisposed || (!bytes.IsEmpty && !(_kept[(int)direction] ??= new BodyBuffer(null, memory)).TryGrow(bytes.Length)))
            {
                return false;
            }

            foreach (var run in bytes)
            {
                _kept[(int)direction]?.Append(run.Span);
            }

            return true;
        }
    }

    /// <summary>How many bytes are kept.</summary>
    public int KeptLength(Direction direction)
    {
        lock (_lock)
        {
            return _kept[(int)direction]?.Length ?? 0;
        }
    }

    /// <summary>A copy of what was kept and these bytes after it; nothing is kept any more.</summary>
    public byte[] TakeKept(Direction direction, in ReadOnlySequence<byte> then)
    {
        lock (_lock)
        {
            var kept = _kept[(int)direction]?.Memory ?? default;
            var all = new byte[kept.Length + then.Length];
            kept.CopyTo(all);
            then.CopyTo(all.AsSpan(kept.Length));
            DropKept(direction);
            return all;
        }
    }

    /// <summary>Nothing is kept any more: it need not be sent.</summary>
    public void DropKept(Direction direction)
    {
        lock (_lock)
        {
            _kept[(int)direction]?.Dispose();
            _kept[(int)direction] = null;
        }
    }

    /// <summary>Gives back everything that is held.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _kept[(int)Direction.Request]?.Dispose();
            _kept[(int)Direction.Response]?.Dispose();
        }

        foreach (var direction in (ReadOnlySpan<Direction>)[Direction.Request, Direction.Response])
        {
            FlowOf(direction)?.Dispose();
            foreach (var monitor in _monitors[(int)direction] ?? [])
            {
                monitor.Close();
            }
        }
    }
}

/// <summary>
/// The copies of one direction's body for an agent that only watches: shown as they would be shown if the agent were enforced, and released
/// to nobody.
/// </summary>
/// <remarks>Safe from any thread. It lives until the exchange has ended and the last copy is judged, whichever comes later.</remarks>
internal sealed class MonitorFlow(Participant participant, BodyPipeline flow, EventKind kind)
{
    private int _users = 1;
    private volatile bool _broken;

    /// <summary>The agent.</summary>
    public Participant Participant => participant;

    /// <summary>Which event its pieces are.</summary>
    public EventKind Kind => kind;

    /// <summary>Whether the agent takes part and has missed nothing.</summary>
    public bool Wants => !_broken && participant.Session.Wants(kind);

    /// <summary>A piece could not be copied: the agent's view has a hole, so it is shown no more of this body.</summary>
    public void Break() => _broken = true;

    /// <summary>Shows the agent a piece; in the order of the calls.</summary>
    /// <returns>What enforcing the answer would have done.</returns>
    public async Task<string> PushAsync(BodyPiece piece, long deadline)
    {
        Interlocked.Increment(ref _users);
        try
        {
            using var step = await flow.PushAsync(piece, deadline);
            var isJudged = piece.End != BodyEnd.More || step.Progress.Released > 0;
            return MonitorLabels.Of(step.Verdict, isJudged);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>The exchange is over: no piece follows.</summary>
    public void Close() => Leave();

    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            flow.Dispose();
        }
    }
}
