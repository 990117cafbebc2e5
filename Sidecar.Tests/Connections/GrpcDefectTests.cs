using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Grpc;
using Sidecar.Tests.Sdk;
using Sidecar.Tests.Support;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.Connections;

/// <summary>Defects of the reference's gRPC client and agent server (spec §10), by their numbers, over real HTTP/2.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GrpcDefectTests : IDisposable
{
    private const int Large = 9_000_000;

    private readonly TempDirectory _directory = new();

    private string Endpoint => $"grpc-unix:{_directory.Socket("grpc")}";

    public void Dispose() => _directory.Dispose();

    // A server sends its headers with its first message unless it is told otherwise.
    [Test]
    public async Task Defect11_Handshake_IsSentBeforeTheAgentsHeadersAreThere()
    {
        await using var rig = await GrpcRig.StartAsync(
            async call =>
            {
                await call.ReadAsync(Wire.ProxyToAgent.Parser, GrpcRig.Soon());
                var response = new Wire.HandshakeResponse { Success = true, ProtocolVersion = 2, Capabilities = new Wire.AgentCapabilities { AgentId = "waf" } };
                await call.WriteAsync(new Wire.AgentToProxy { Handshake = response }, GrpcRig.Soon());
                await call.ReadAsync(Wire.ProxyToAgent.Parser, GrpcRig.Soon());
            },
            method: GrpcDialect.ProcessStream);
        await using var connection = await DialAsync($"grpc-unix:{rig.SocketPath}").WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(connection.IsOpen, Is.True);
    }

    [Test]
    public async Task Defect11_OurAgent_SendsItsHeadersToAProxyThatWaitsForThem()
    {
        await using var server = await ServeAsync(new AllowingHandler());
        using var channel = Channel();
        await using var call = channel.Start(GrpcDialect.ProcessStream, Wire.AgentToProxy.Parser);
        Assert.That(await call.WaitForHeadersAsync(GrpcRig.Soon()), Is.True);
    }

    [Test]
    public async Task Defect12_MessagesAbove4MiB_PassBothWays()
    {
        var handler = new ScriptedHandler(static (message, _) => new(Answer.Block().WithBody($"{((BodyChunkEvent)message).Data.Length}{new string('x', Large)}")));
        var limits = new AgentLimits { PreferredChunkSize = Large, MaxBodySize = 2 * Large, MaxConcurrency = 4 };
        await using var server = await ServeAsync(handler, ScriptedAgent.Capable() with { Limits = limits });
        await using var connection = await DialAsync(Endpoint);
        var result = await CallAsync(connection, TestEvents.Chunk(1, size: Large));
        Assert.That(result.Detail, Is.Null);
        Assert.That(((BlockDecision)result.Response!.Decision).Body, Has.Length.EqualTo(Large + 7).And.StartsWith($"{Large}x"));
    }

    [Test]
    public async Task Defect43_GuardrailAndConfigure_ReachTheHandler()
    {
        var handler = new ScriptedHandler(static (message, _) => new(message is GuardrailInspectEvent
            ? Answer.Guardrail(new GuardrailResponse { Detected = true, Confidence = 0.5, Detections = [new GuardrailDetection { Category = "ssn" }] })
            : AgentResponse.Allow));
        await using var server = await ServeAsync(handler);
        await using var connection = await DialAsync(Endpoint, """{"paranoia":3}""");
        var found = await CallAsync(connection, Events.Guardrail("unused", "text") with { CorrelationId = TestEvents.Id(1) });
        Assert.That(found.Response!.Guardrail!.Detections.Single().Category, Is.EqualTo("ssn"));
        await Eventually.TrueAsync(() => handler.Calls.Any(static call => call.Event is ConfigureEvent), ScriptedAgent.Limit, "the configuration");
        var configure = handler.Calls.Select(static call => call.Event).OfType<ConfigureEvent>().Single();
        Assert.That(configure.Config!.Value.GetProperty("paranoia").GetInt32(), Is.EqualTo(3));
    }

    [Test]
    public async Task Defect45_HealthIntervalOfZero_IsOff_AndTheControlStreamLives()
    {
        var capabilities = ScriptedAgent.Capable() with { Features = new AgentFeatures { MetricsExport = true, HealthReporting = true } };
        await using var server = await ServeAsync(new AllowingHandler(), capabilities);
        using var channel = Channel();
        await using var call = channel.Start(GrpcDialect.ControlStream, Wire.ProxyControl.Parser);
        foreach (var id in new[] { "1", "2" })
        {
            await call.WriteAsync(new Wire.AgentControl { Metrics = new Wire.MetricsReport() }, GrpcRig.Soon());
            await call.WriteAsync(new Wire.AgentControl { ConfigUpdate = new Wire.ConfigUpdateRequest { RequestId = id } }, GrpcRig.Soon());
            var answer = await call.ReadAsync(GrpcRig.Soon());
            Assert.That(answer?.ConfigResponse?.RequestId, Is.EqualTo(id), "it neither ends nor speaks unasked");
        }

        await using var connection = await DialAsync(Endpoint);
        Assert.That((await CallAsync(connection, TestEvents.Headers(1))).IsAnswered, Is.True);
    }

    private async Task<GrpcAgentServer> ServeAsync(IAgentHandler handler, AgentCapabilities? capabilities = null)
    {
        var server = new GrpcAgentServer(handler, new GrpcAgentServerOptions
        {
            EndPoint = new UnixDomainSocketEndPoint(_directory.Socket("grpc")),
            DrainTimeout = TimeSpan.FromMilliseconds(10),
            Capabilities = capabilities ?? ScriptedAgent.Capable(),
        });
        await server.StartAsync();
        return server;
    }

    private ForeignChannel Channel() => new(new UnixDomainSocketEndPoint(_directory.Socket("grpc")));

    private static Task<IAgentConnection> DialAsync(string endpoint, string? configuration = null)
    {
        var settings = new ConnectedAgent().Settings with
        {
            ConnectTimeout = ScriptedAgent.Limit,
            Configuration = configuration is null ? null : JsonElement.Parse(configuration),
        };
        return new GrpcDialer(Endpoints.Of(endpoint), settings, null, TimeProvider.System, new FakeLogger())
            .DialAsync(new RecordingSink(), CancellationToken.None);
    }

    private static Task<CallResult> CallAsync(IAgentConnection connection, AgentEvent message) =>
        connection.CallAsync(message, TimeProvider.System.GetTimestamp() + (60 * TimeProvider.System.TimestampFrequency)).AsTask();
}
