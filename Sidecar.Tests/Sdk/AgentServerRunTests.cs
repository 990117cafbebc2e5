using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>The one call of a program that is an agent; that signals end it too, the sample of the README shows as a process.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AgentServerRunTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string SocketPath => _directory.Socket("agent.sock");

    [TearDown]
    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task Token_EndsIt_WithoutAnException_AfterWhatIsInWork()
    {
        var release = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(release.Task));
        await using var server = Server(handler);
        using var stop = new CancellationTokenSource();
        var running = server.RunAsync(stop.Token);
        using var peer = await AgentPeer.ConnectAsync(SocketPath);
        await peer.IntroduceAsync("json");
        await peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await CancelTests.StartedAsync(handler, 1);

        await stop.CancelAsync();
        Assert.That((await peer.ReadAsync())!.Value.Type, Is.EqualTo(MessageType.HealthStatus));
        Assert.That(running.IsCompleted, Is.False);
        release.SetResult(AgentResponse.Allow);
        Assert.That((await peer.ReadAnswerAsync()).Response.Decision, Is.InstanceOf<AllowDecision>());
        await running.WaitAsync(Wire.Limit, CancellationToken.None);
        Assert.That(server.Connections, Is.Empty);
        Assert.That(async () => await server.RunAsync(stop.Token), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public async Task StopFromElsewhere_EndsIt([Values] bool hasToken)
    {
        using var never = new CancellationTokenSource();
        await using var server = Server(new AllowingHandler());
        var running = server.RunAsync(hasToken ? never.Token : CancellationToken.None);
        using (var peer = await AgentPeer.ConnectAsync(SocketPath))
        {
            await peer.IntroduceAsync("json");
        }

        await server.StopAsync();
        await running.WaitAsync(Wire.Limit, CancellationToken.None);
    }

    [Test]
    public async Task PathThatIsTaken_IsAnError_AndTheOtherServesOn()
    {
        using var stop = new CancellationTokenSource();
        await using var first = Server(new AllowingHandler());
        var running = first.RunAsync(stop.Token);
        await using var second = Server(new AllowingHandler());
        Assert.That(async () => await second.RunAsync(stop.Token), Throws.InstanceOf<IOException>().With.Message.Contains(SocketPath));
        Assert.That(async () => await first.RunAsync(stop.Token), Throws.InstanceOf<InvalidOperationException>());

        using var peer = await AgentPeer.ConnectAsync(SocketPath);
        await peer.IntroduceAsync("json");
        Assert.That((await peer.AskAsync(SampleEvents.Request(SampleEvents.A))).Response.Decision, Is.InstanceOf<AllowDecision>());
        await stop.CancelAsync();
        await running.WaitAsync(Wire.Limit, CancellationToken.None);
    }

    [Test]
    public async Task AgentsOfOtherKinds_RunAndEndAlike()
    {
        using var stop = new CancellationTokenSource();
        var endPoint = new System.Net.Sockets.UnixDomainSocketEndPoint(_directory.Socket("grpc.sock"));
        await using var grpc = new GrpcAgentServer(
            new AllowingHandler(), new GrpcAgentServerOptions { Capabilities = AgentHarness.Capabilities, EndPoint = endPoint });
        await using var dialling = new ReverseAgent(
            new AllowingHandler(),
            new ReverseAgentOptions { Capabilities = AgentHarness.Capabilities, AgentId = "waf", SocketPath = SocketPath });
        var running = Task.WhenAll(grpc.RunAsync(stop.Token), dialling.RunAsync(stop.Token));
        await Eventually.TrueAsync(() => grpc.Address.Length > 0, Wire.Limit, "the server to listen");
        Assert.That(running.IsCompleted, Is.False);
        await stop.CancelAsync();
        await running.WaitAsync(Wire.Limit, CancellationToken.None);
    }

    private AgentServer Server(IAgentHandler handler) =>
        new(handler, new AgentServerOptions { Capabilities = AgentHarness.Capabilities, SocketPath = SocketPath });
}
