using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>A proxy that speaks the agent protocol over a Unix socket.</summary>
internal sealed class NativeClient : IConnectionSink, IAsyncDisposable
{
    // Longer than the harness gives a phase: a verdict that is late must not become a call that is lost.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private NativeClient()
    {
    }

    /// <summary>The connection.</summary>
    public IAgentConnection Connection { get; private set; } = null!;

    /// <summary>Connects and shakes hands.</summary>
    public static async Task<NativeClient> ConnectAsync(string path, string encoding = ProtocolConstants.MessagePack)
    {
        var settings = new ConnectionSettings
        {
            AgentId = "daemon",
            MaxInFlight = 1000,
            ConnectTimeout = Limit,
            Encodings = [encoding],
            ProxyVersion = "1",
        };
        var client = new NativeClient();
        client.Connection = await new UnixSocketDialer(path, settings, TimeProvider.System, NullLogger.Instance).DialAsync(client, CancellationToken.None);
        return client;
    }

    /// <summary>Asks and expects an answer; waits 90 s.</summary>
    public async Task<AgentResponse> AskAsync(AgentEvent message)
    {
        var result = await CallAsync(message);
        return result.Response ?? throw new InvalidOperationException($"no answer to {message.Type}: {result.Outcome}, {result.Detail}");
    }

    /// <summary>Asks; waits 90 s.</summary>
    public async Task<CallResult> CallAsync(AgentEvent message) =>
        await Connection.CallAsync(message, TimeProvider.System.GetTimestamp() + ((long)Limit.TotalSeconds * TimeProvider.System.TimestampFrequency));

    public ValueTask DisposeAsync() => Connection.DisposeAsync();

    void IConnectionSink.OnHealth(IAgentConnection connection, HealthStatus health)
    {
    }

    void IConnectionSink.OnFlowControl(IAgentConnection connection, FlowControlSignal signal)
    {
    }
}
