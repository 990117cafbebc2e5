using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

/// <summary>A connection in memory with a scripted agent at its other end and a clock that stands still.</summary>
internal sealed class ConnectedAgent : IAsyncDisposable
{
    public ConnectedAgent(
        int maxInFlight = 256,
        string[]? encodings = null,
        DuplexPipePair? pipes = null,
        AnswerMatching matching = AnswerMatching.ById,
        AgentDialect? dialect = null,
        FakeTimeProvider? clock = null,
        IConnectionSink? sink = null)
    {
        Clock = clock ?? new FakeTimeProvider();
        Pipes = pipes ?? new DuplexPipePair();
        Settings = new ConnectionSettings
        {
            AgentId = "waf",
            Matching = matching,
            MaxInFlight = maxInFlight,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            Encodings = encodings ?? [ProtocolConstants.MessagePack, ProtocolConstants.Json],
            ProxyVersion = "1.2.3",
            Reports = Sink,
        };
        Connection = new FramedAgentConnection("waf-1", Pipes.Near, Settings, sink ?? Sink, Clock, Log, dialect: dialect);
        Agent = new ScriptedAgent(Pipes.Far) { Dialect = dialect ?? AgentDialect.Native };
    }

    /// <summary>Instead of an encoding: the wire is a stream of gRPC.</summary>
    public const string Protobuf = "protobuf";

    public FakeTimeProvider Clock { get; }

    public RecordingSink Sink { get; } = new();

    public FakeLogger Log { get; } = new();

    public DuplexPipePair Pipes { get; }

    public ConnectionSettings Settings { get; }

    public FramedAgentConnection Connection { get; }

    public ScriptedAgent Agent { get; }

    /// <summary>Opens the connection.</summary>
    public static async Task<ConnectedAgent> OpenAsync(
        int maxInFlight = 256,
        string encoding = ProtocolConstants.Json,
        AgentCapabilities? capabilities = null,
        DuplexPipePair? pipes = null,
        AnswerMatching matching = AnswerMatching.ById)
    {
        var both = new ConnectedAgent(maxInFlight, pipes: pipes, matching: matching, dialect: encoding == Protobuf ? GrpcDialect.Instance : null);
        both.Agent.NamesIds = matching == AnswerMatching.ById;
        var opening = both.OpenAsync();
        await both.Agent.AcceptAsync(encoding, capabilities);
        await opening;
        return both;
    }

    /// <summary>Begins to open the connection; the agent has yet to answer.</summary>
    public Task OpenAsync() =>
        Connection.OpenAsync(Settings.ConnectTimeout, CancellationToken.None).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);

    /// <summary>A deadline so many milliseconds from now.</summary>
    public long In(int milliseconds) => Clock.GetTimestamp() + (milliseconds * Clock.TimestampFrequency / 1000);

    /// <summary>Begins a call.</summary>
    public Task<CallResult> Call(AgentEvent message, int milliseconds = 1000) =>
        Connection.CallAsync(message, In(milliseconds)).AsTask().WaitAsync(ScriptedAgent.Limit, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        // The agent first: what still waits to be written to one that does not read would wait for a clock that stands still.
        await Agent.DisposeAsync();
        await Connection.DisposeAsync();
    }
}
