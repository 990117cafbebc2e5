using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>The SDK's agent that dials in: how it registers, serves and stops.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReverseAgentTests : ReverseAgentFixture
{
    [Test]
    public async Task Registration_SaysWhoItIsAndWhatTheSdkCanDo()
    {
        Listen();
        await using var agent = Agent(options => options with { AuthToken = "secret", Metadata = JsonElement.Parse("""{"zone":"a"}""") });
        agent.Start();
        using var proxy = await AcceptAsync();
        var request = await ReadRequestAsync(proxy);
        Assert.That((request.ProtocolVersion, request.AgentId, request.AuthToken), Is.EqualTo((2u, "waf", "secret")));
        Assert.That(request.Metadata!.Value.GetRawText(), Is.EqualTo("""{"zone":"a"}"""));
        Assert.That(
            request.Capabilities, Is.EqualTo(AgentHarness.Capabilities with { Features = AgentHarness.Capabilities.Features with { Cancellation = true } }));
        await AnswerAsync(proxy);
        await agent.WaitForRegistrationAsync().WaitAsync(Wire.Limit);
        Assert.That(agent.Connections.Single().ProxyId, Is.EqualTo("proxy"));
    }

    [Test]
    public async Task Events_AreAnsweredAsByAServer_AndHealthIsSent()
    {
        Listen();
        await using var agent = Agent(handler: new ScriptedHandler((_, _) => new(Answer.Block(451))));
        agent.Start();
        using var proxy = await RegisteredAsync();
        Assert.That(((BlockDecision)(await proxy.AskAsync(SampleEvents.Request(SampleEvents.A))).Response.Decision).Status, Is.EqualTo(451));
        await proxy.PingAsync();
        await Eventually.TrueAsync(() => agent.Connections.Count == 1, Wire.Limit, "the connection");
        Assert.That(agent.Connections.Single().TrySendHealth(new HealthStatus { AgentId = "waf", State = HealthState.Degraded }), Is.True);
        Assert.That((await proxy.ReadAsync())!.Value.Type, Is.EqualTo(MessageType.HealthStatus));

        // A late handshake is ignored (spec §3.5).
        await proxy.SendAsync(MessageType.HandshakeRequest, "{}"u8.ToArray());
        await proxy.PingAsync();
    }

    [Test]
    public async Task AllConnections_AreOpened_AndTheOneThatEndsIsOpenedAgain()
    {
        Listen();
        await using var agent = Agent(static options => options with { Connections = 3 });
        agent.Start();
        var proxies = new List<AgentPeer>();
        for (var i = 0; i < 3; i++)
        {
            proxies.Add(await RegisteredAsync());
        }

        await Eventually.TrueAsync(() => agent.Connections.Count == 3, Wire.Limit, "three connections");
        proxies[1].Dispose();
        await Eventually.TrueAsync(() => agent.Connections.Count == 2, Wire.Limit, "one less");
        await GoOnAsync();
        proxies[1] = await RegisteredAsync();
        await Eventually.TrueAsync(() => agent.Connections.Count == 3, Wire.Limit, "three again");
        proxies.ForEach(static proxy => proxy.Dispose());
    }

    [Test]
    public async Task HandlerThatGoesOnAfterItsConnection_DoesNotHoldUpTheNextDial()
    {
        Listen();
        var release = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(release.Task));
        await using var agent = Agent(static options => options with { DrainTimeout = TimeSpan.FromDays(1), ReconnectMax = TimeSpan.FromSeconds(1) }, handler);
        agent.Start();
        var proxy = await RegisteredAsync();
        await proxy.SendAsync(SampleEvents.Request(SampleEvents.A));
        await CancelTests.StartedAsync(handler, 1);
        proxy.Dispose();
        await Eventually.TrueAsync(() => agent.Connections.Count == 0 && Time.ArmedTimers == 2, Wire.Limit, "the pause, besides the time to drain");
        Time.Advance(TimeSpan.FromSeconds(1));
        using var next = await RegisteredAsync();
        release.SetResult(AgentResponse.Allow);
    }

    [Test]
    public async Task Stop_LetsEventsInWorkFinish_ThenClosesAndDialsNoMore()
    {
        Listen();
        var release = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(release.Task));
        var agent = Agent(handler: handler);
        agent.Start();
        using var proxy = await RegisteredAsync();
        await proxy.SendAsync(SampleEvents.Request(SampleEvents.A));
        await CancelTests.StartedAsync(handler, 1);
        var stopping = agent.StopAsync();
        Assert.That((await proxy.ReadAsync())!.Value.Type, Is.EqualTo(MessageType.HealthStatus), "draining");
        Assert.That(stopping.IsCompleted, Is.False);
        release.SetResult(Answer.Block(410));
        Assert.That(((BlockDecision)(await proxy.ReadAnswerAsync()).Response.Decision).Status, Is.EqualTo(410));
        await proxy.AssertClosedAsync();
        await Task.WhenAll(stopping, agent.DisposeAsync().AsTask()).WaitAsync(Wire.Limit);
        Assert.That((agent.Connections, IsDialled), Is.EqualTo((Array.Empty<AgentConnection>(), false)));
        Assert.That(() => agent.Start(), Throws.InstanceOf<ObjectDisposedException>());
        await Eventually.TrueAsync(() => Time.ActiveTimers == 0, Wire.Limit, "no timer to be left");
    }

    [Test]
    public async Task Stop_EndsADialAndAPause([Values] bool isPausing)
    {
        if (!isPausing)
        {
            Listen();
        }

        var agent = Agent();
        agent.Start();
        if (isPausing)
        {
            await Eventually.TrueAsync(() => Time.ArmedTimers == 1 && Logs.Collector.GetSnapshot().Count > 0, Wire.Limit, "a pause");
        }
        else
        {
            using var proxy = await AcceptAsync();
            await ReadRequestAsync(proxy);
        }

        var waiting = agent.WaitForRegistrationAsync();
        await agent.StopAsync().WaitAsync(Wire.Limit);
        Assert.That(async () => await waiting.WaitAsync(Wire.Limit), Throws.InstanceOf<ObjectDisposedException>());
        await Eventually.TrueAsync(() => Time.ActiveTimers == 0, Wire.Limit, "no timer to be left");
    }

    [Test]
    public void WrongUse_IsRefused()
    {
        Assert.That(() => Agent(static options => options with { AgentId = "" }), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => Agent(static options => options with { Connections = 0 }), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => Agent(static options => options with { ReconnectMax = TimeSpan.FromMilliseconds(1) }), Throws.InstanceOf<ArgumentException>());
        Assert.That(
            new ReverseAgentOptions { AgentId = "a", SocketPath = "/p", AuthToken = "secret", Capabilities = AgentHarness.Capabilities }.ToString(), Is.EqualTo("a at /p"));
    }
}
