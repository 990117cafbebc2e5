using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Records;

/// <summary>An inspector over random agents in memory that answer at random and write down what they were asked, with a clock that stands still.</summary>
internal sealed class RecordRig : IAsyncDisposable
{
    private static readonly EventSet[] Wishes =
    [
        EventSet.All, EventSet.RequestHeaders, EventSet.RequestHeaders | EventSet.RequestBodyChunk, EventSet.ResponseHeaders | EventSet.ResponseBodyChunk,
        EventSet.WebSocketFrame,
    ];

    private readonly Random _random;
    private readonly PlayedDaemon _daemon;

    private RecordRig(Random random)
    {
        _random = random;
        Clock.Advance(TimeSpan.FromSeconds(1));
        var stages = new List<IReadOnlyList<PlayedAgent>>();
        for (var i = random.Next(1, 5); i > 0;)
        {
            var together = random.Next(1, i + 1);
            stages.Add([.. Enumerable.Range(i - together, together).Select(n => Agent($"a{n}"))]);
            i -= together;
        }

        _daemon = new PlayedDaemon(Sums.Factory, Clock, stages, Seen);
    }

    public FakeTimeProvider Clock { get; } = new();

    public MetricSums Sums { get; } = new();

    public CopyingObserver Seen { get; } = new();

    public RouteModel Route => Inspector.Model.Routes.Routes[0];

    public Inspector Inspector => _daemon.Inspector;

    /// <summary>What agents were asked, in order, and what the daemon has to make of their answers.</summary>
    public List<(CorrelationId Exchange, string Agent, EventKind Event, CallOutcome Outcome)> Asked { get; } = [];

    public static async Task<RecordRig> StartAsync(Random random)
    {
        var rig = new RecordRig(random);
        await rig._daemon.ConnectAsync();
        return rig;
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        Sums.Dispose();
    }

    private PlayedAgent Agent(string id)
    {
        var body = new BodyPolicy
        {
            Mode = Pick(BodyMode.Stream, BodyMode.Stream, BodyMode.Buffer, BodyMode.Hybrid),
            MaxBytes = Pick(long.MaxValue, 40),
            Threshold = 20,
            OnExcess = Pick(ExcessAction.Block, ExcessAction.Skip, ExcessAction.Partial),
        };
        var policy = LambdaAgent.PolicyOf(Pick(FailureMode.Open, FailureMode.Closed)) with
        {
            Mode = Pick(AgentMode.Enforce, AgentMode.Enforce, AgentMode.Enforce, AgentMode.Monitor, AgentMode.Off),
            Events = Pick<EventSet?>(null, Pick(Wishes)),
            RequestBody = body,
            ResponseBody = body,
        };
        return new PlayedAgent(id, policy, _ => Connection(id)) { Connections = 2, Version = $"{id}-v2" };
    }

    private FakeConnection Connection(string id)
    {
        var connection = new FakeConnection(id, maxInFlight: 100) { Answer = message => Answer(id, message) };
        connection.Traits = connection.Traits with { Events = Pick(Wishes), MaxEventBytes = 16 };
        return connection;
    }

    private CallResult Answer(string id, AgentEvent message)
    {
        var kind = EventKinds.Of(message.Type);
        var result = kind == EventKind.RequestComplete ? CallResult.Answered(AgentResponse.Allow) : Pick(
            CallResult.Answered(AgentResponse.Allow),
            CallResult.Answered(AgentResponse.Allow),
            CallResult.Answered(AgentResponse.Allow),
            CallResult.Answered(AgentResponse.Allow with { RequestHeaders = [HeaderOperation.Set("x-user", "jo")] }),
            CallResult.Answered(AgentResponse.Allow with { NeedsMore = true }),
            CallResult.Answered(
                AgentResponse.Allow with { RequestBodyMutation = message is BodyChunkEvent chunk ? new BodyMutation(new byte[3], chunk.ChunkIndex) : null }),
            CallResult.Answered(AgentResponse.Allow with { Decision = new BlockDecision(403) }),
            CallResult.Answered(AgentResponse.Allow with { RequestHeaders = [HeaderOperation.Set("bad name", "x")] }),
            CallResult.Failed(CallOutcome.TimedOut, "played"),
            CallResult.Failed(CallOutcome.ConnectionLost, "played"),
            CallResult.Failed(CallOutcome.BadAnswer, "played"));
        var isUnfit = result.Response?.RequestHeaders is [{ Name: "bad name" }];
        lock (Asked)
        {
            Asked.Add((message.CorrelationId, id, kind, isUnfit ? CallOutcome.BadAnswer : result.Outcome));
        }

        return result;
    }

    private T Pick<T>(params T[] from) => from[_random.Next(from.Length)];
}
