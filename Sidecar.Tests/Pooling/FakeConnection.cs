using System.Collections.Concurrent;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Pooling;

/// <summary>A connection whose state a test sets; calls get <see cref="Answer"/> at once.</summary>
internal sealed class FakeConnection(string id, int maxInFlight = 4, bool isConcurrent = true) : IAgentConnection
{
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;

    public ConnectionTraits Traits { get; set; } = new()
    {
        MaxInFlight = maxInFlight,
        IsConcurrent = isConcurrent,
        Events = EventSet.All,
        MaxEventBytes = 1024,
    };

    public AgentCapabilities Capabilities { get; init; } = new();

    public string Dialect => "native";

    public string Encoding => ProtocolConstants.Json;

    public bool IsOpen => !_ended.Task.IsCompleted;

    public ConnectionStats Stats => new(InFlight, Owed, LateAnswers: 0, LastHeard);

    /// <summary>Slots that it says are taken.</summary>
    public int InFlight { get; set; }

    /// <summary>Answers that it says are owed.</summary>
    public int Owed { get; set; }

    public Task<string> Ended => _ended.Task;

    /// <summary>How long it says that its agent has been silent, whatever the time.</summary>
    public TimeSpan SilentFor { get; set; }

    /// <summary>The clock of its silence; its dialler sets it.</summary>
    public TimeProvider? Clock { get; set; }

    /// <summary>Pings asked for.</summary>
    public int Pings { get; private set; }

    /// <summary>The pool's ear, set when it is dialled.</summary>
    public IConnectionSink? Sink { get; set; }

    /// <summary>What the agent says between the handshake and the dialler's return.</summary>
    public Action<IConnectionSink, IAgentConnection>? Greeting { get; init; }

    /// <summary>What a call gets.</summary>
    public Func<AgentEvent, CallResult> Answer { get; set; } = static _ => CallResult.Answered(AgentResponse.Allow);

    /// <summary>When set, calls are answered by its tasks instead.</summary>
    public Func<AgentEvent, long, Task<CallResult>>? AnswerLater { get; set; }

    /// <summary>When set, calls are answered by it alone, and nothing is written down: for measurements of cost.</summary>
    public Func<AgentEvent, ValueTask<CallResult>>? Unrecorded { get; init; }

    /// <summary>The events it was asked about.</summary>
    public ConcurrentQueue<AgentEvent> Asked { get; } = new();

    /// <summary>Where the last of them was to be encoded for others, too.</summary>
    public EventFrames? Frames { get; private set; }

    /// <summary>The cancels it was told of.</summary>
    public ConcurrentQueue<CancelReason> Cancels { get; } = new();

    private long LastHeard => Clock is null ? 0 : Clock.GetTimestamp() - (long)(SilentFor.TotalSeconds * Clock.TimestampFrequency);

    /// <summary>The exchanges it was told are over, each with the number of events it had been asked about by then.</summary>
    public ConcurrentQueue<(CorrelationId Exchange, int Asked)> Released { get; } = new();

    public ValueTask<CallResult> CallAsync(AgentEvent message, long deadline, EventFrames? frames = null)
    {
        if (Unrecorded is not null)
        {
            return Unrecorded(message);
        }

        Frames = frames;

        // A body has one event for all of its pieces.
        Asked.Enqueue(message is BodyChunkEvent piece ? piece with { } : message);
        return AnswerLater is { } later ? new(later(message, deadline)) : new(Answer(message));
    }

    public void Cancel(CorrelationId exchange, CancelReason reason) => Cancels.Enqueue(reason);

    public void Release(CorrelationId exchange)
    {
        if (Unrecorded is null)
        {
            Released.Enqueue((exchange, Asked.Count));
        }
    }

    public void Ping() => Pings++;

    public void LimitCalls(int most) => Traits = Traits with { MaxInFlight = Math.Min(most, maxInFlight) };

    public void Abort(string cause) => _ended.TrySetResult(cause);

    public ValueTask DisposeAsync()
    {
        Abort("closed by us");
        return ValueTask.CompletedTask;
    }
}
