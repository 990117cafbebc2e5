using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Agents asked about one event at the same time, whose replies are taken in the order in which they come.</summary>
/// <remarks>
/// Reused, with no task for any agent. One caller at a time takes replies; <see cref="Dispose"/> gives it back once all have been taken.
/// One that is given up before is left to the replies that still come.
/// </remarks>
internal sealed class AgentFanOut : IValueTaskSource, IDisposable
{
    // Few routes ask more agents at once; what was needed for those is let go.
    private const int MostKept = 16;

    private static readonly BoundedPool<AgentFanOut> Pool = new(1024);

    private readonly Lock _lock = new();
    private readonly List<Slot> _slots = [];
    private readonly Queue<Slot> _replied = new();
    private readonly EventFrames _frames = new();
    private ManualResetValueTaskSourceCore<bool> _source;
    private bool _isAwaited;

    private AgentFanOut()
    {
    }

    /// <summary>How many replies have not been taken.</summary>
    public int Pending { get; private set; }

    /// <summary>Asks the agents of a stage; those that the event is not for are left out, and that is noted.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="first">The place of the stage's first agent.</param>
    /// <param name="end">The place after its last.</param>
    /// <param name="message">The event.</param>
    /// <param name="deadline">When the phase's time is up, a timestamp.</param>
    public static AgentFanOut Ask(Exchange exchange, int first, int end, AgentEvent message, long deadline)
    {
        var asked = Pool.TryRent() ?? new AgentFanOut();
        var kind = EventKinds.Of(message.Type);
        for (var place = first; place < end; place++)
        {
            var participant = exchange.Participants[place];
            if (participant.Session.Wants(kind))
            {
                asked.Ask(participant, place, message, deadline);
            }
            else
            {
                participant.Skip(kind, SkipReason.NotWanted);
            }
        }

        return asked;
    }

    /// <summary>Ends when a reply is there to be taken. While <see cref="Pending"/> says that one will be.</summary>
    public ValueTask WhenRepliedAsync()
    {
        lock (_lock)
        {
            if (_replied.Count > 0)
            {
                return default;
            }

            _source.Reset();
            _isAwaited = true;
            return new ValueTask(this, _source.Version);
        }
    }

    /// <summary>Takes the next reply.</summary>
    /// <param name="place">The place of the agent whose it is.</param>
    public AgentReply Take(out int place)
    {
        Slot slot;
        lock (_lock)
        {
            slot = _replied.Dequeue();
        }

        Pending--;
        place = slot.Place;
        return slot.Take();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Pending > 0)
        {
            return;
        }

        _frames.Clear();
        if (_slots.Count <= MostKept)
        {
            Pool.Return(this);
        }
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Ask(Participant participant, int place, AgentEvent message, long deadline)
    {
        if (Pending == _slots.Count)
        {
            _slots.Add(new Slot(this));
        }

        var slot = _slots[Pending++];
        slot.Await(participant.Session.AskAsync(message, deadline, _frames), place);
    }

    private void Add(Slot slot)
    {
        lock (_lock)
        {
            _replied.Enqueue(slot);
            if (!_isAwaited)
            {
                return;
            }

            _isAwaited = false;
        }

        _source.SetResult(true);
    }

    private sealed class Slot
    {
        private readonly Action _onReplied;
        private ConfiguredValueTaskAwaitable<AgentReply>.ConfiguredValueTaskAwaiter _reply;

        public Slot(AgentFanOut owner) => _onReplied = () => owner.Add(this);

        public int Place { get; private set; }

        public void Await(in ValueTask<AgentReply> reply, int place)
        {
            (Place, _reply) = (place, reply.ConfigureAwait(false).GetAwaiter());
            if (_reply.IsCompleted)
            {
                _onReplied();
            }
            else
            {
                _reply.UnsafeOnCompleted(_onReplied);
            }
        }

        public AgentReply Take()
        {
            var reply = _reply.GetResult();
            _reply = default;
            return reply;
        }
    }
}
