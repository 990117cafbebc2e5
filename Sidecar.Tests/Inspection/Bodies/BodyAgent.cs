using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>An agent in memory that is shown bodies, and what it was shown.</summary>
internal sealed class BodyAgent(string id, Func<Shown, CallResult>? answer = null)
{
    private static readonly CallResult Allowed = CallResult.Answered(AgentResponse.Allow);

    private readonly List<Shown> _shown = [];

    /// <summary>Its id.</summary>
    public string Id => id;

    /// <summary>How it is shown bodies.</summary>
    public BodyPolicy Body { get; init; } = new() { Mode = BodyMode.Stream, MaxBytes = long.MaxValue };

    /// <summary>What happens when it cannot be heard.</summary>
    public FailureMode FailureMode { get; init; }

    /// <summary>What it says it takes.</summary>
    public EventSet Events { get; init; } = EventSet.All;

    /// <summary>Most bytes it takes in one event.</summary>
    public int MaxEventBytes { get; init; } = 1 << 20;

    /// <summary>Largest body it says it takes; 0 states none.</summary>
    public long MaxBodyBytes { get; init; }

    /// <summary>The bytes that may be held for it.</summary>
    public long Memory { get; init; } = AgentSettings.BodyMemory.Default;

    /// <summary>Enforced or watching.</summary>
    public AgentMode Mode { get; init; }

    /// <summary>Whether it remembers the bytes it was shown.</summary>
    public bool KeepsBytes { get; init; } = true;

    /// <summary>When set, its answer waits for this task.</summary>
    public Task? Delay { get; set; }

    /// <summary>The pieces it was shown, in order.</summary>
    public IReadOnlyList<Shown> Shown
    {
        get
        {
            lock (_shown)
            {
                return [.. _shown];
            }
        }
    }

    /// <summary>All bytes it was shown.</summary>
    public byte[] Bytes => [.. Shown.SelectMany(static shown => shown.Data)];

    /// <summary>Its budget, once it is part of a rig.</summary>
    public ByteBudget Budget { get; set; } = null!;

    /// <summary>How it takes part.</summary>
    public AgentPolicy Policy => new()
    {
        Mode = Mode,
        OnFailure = FailureMode,
        RequestBody = Body,
        ResponseBody = Body,
        HeaderTimeout = TimeSpan.FromHours(1),
        BodyTimeout = TimeSpan.FromHours(1),
    };

    /// <summary>Its one connection.</summary>
    public FakeConnection? Connection { get; private set; }

    /// <summary>Makes that.</summary>
    public FakeConnection Connect() => Connection = new(id, maxInFlight: 10_000)
    {
        Traits = new ConnectionTraits
        {
            MaxInFlight = 10_000,
            IsConcurrent = true,
            Events = Events,
            MaxEventBytes = MaxEventBytes,
            MaxBodyBytes = MaxBodyBytes,
        },
        AnswerLater = async (message, _) =>
        {
            if (message is not BodyChunkEvent chunk)
            {
                return Allowed;
            }

            Shown shown;
            lock (_shown)
            {
                shown = new Shown(_shown.Count, KeepsBytes ? chunk.Data.ToArray() : [], chunk with { Data = default });
                _shown.Add(shown);
            }

            if (Delay is { } delay)
            {
                await delay;
            }

            return shown.Result = answer?.Invoke(shown) ?? Allowed;
        },
    };
}

/// <summary>A piece as an agent was shown it.</summary>
/// <param name="Number">How many came before.</param>
/// <param name="Data">A copy of its bytes.</param>
/// <param name="Event">A copy of the event, without the bytes.</param>
internal sealed record Shown(int Number, byte[] Data, BodyChunkEvent Event)
{
    /// <summary>Whether it is the last.</summary>
    public bool IsLast => Event.IsLast;

    /// <summary>What the agent said.</summary>
    public CallResult Result { get; set; }

    /// <summary>Allows, and replaces these bytes; of the whole body when the index is 0 and all before was held.</summary>
    public CallResult Replace(byte[] bytes, uint? index = null, bool needsMore = false)
    {
        var mutation = new BodyMutation(bytes, index ?? Event.ChunkIndex);
        return CallResult.Answered(Event is RequestBodyChunkEvent
            ? new AgentResponse { RequestBodyMutation = mutation, NeedsMore = needsMore }
            : new AgentResponse { ResponseBodyMutation = mutation, NeedsMore = needsMore });
    }
}
