using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections.Framed;

public sealed class HandshakeTests
{
    [TestCase("msgpack,json", "msgpack", true)]
    [TestCase("msgpack,json", "json", true)]
    [TestCase("json", "json", true)]
    [TestCase("msgpack", "json", true)]
    [TestCase("json", "msgpack", false)]
    public async Task Encoding_IsWhatTheAgentChoseOfWhatWasOffered(string offered, string chosen, bool works)
    {
        await using var both = new ConnectedAgent(encodings: offered.Split(','));
        var opening = both.OpenAsync();
        var request = await both.Agent.AcceptAsync(chosen);
        Assert.That(request.SupportedEncodings, Is.EqualTo(offered.Split(',')));
        Assert.That(request.SupportedVersions, Is.EqualTo(new[] { 2u }));
        if (works)
        {
            await opening;
            Assert.That(both.Connection.Encoding, Is.EqualTo(chosen));
            Assert.That(both.Connection.IsOpen, Is.True);
        }
        else
        {
            Assert.That(async () => await opening, Throws.InstanceOf<ProtocolException>().With.Message.Contains(chosen));
            Assert.That(both.Connection.IsOpen, Is.False);
        }
    }

    [Test]
    public async Task Refusal_FailsWithTheAgentsReason()
    {
        await using var both = new ConnectedAgent();
        var opening = both.OpenAsync();
        await both.Agent.RefuseAsync("licence expired");
        Assert.That(async () => await opening, Throws.InstanceOf<ProtocolException>().With.Message.Contains("licence expired"));
        Assert.That(await both.Connection.Ended, Does.Contain("licence expired"));
    }

    [Test]
    public async Task Version7_Fails()
    {
        await using var both = new ConnectedAgent();
        var opening = both.OpenAsync();
        await both.Agent.AcceptAsync(version: 7);
        Assert.That(async () => await opening, Throws.InstanceOf<ProtocolException>().With.Message.Contains("version 7"));
    }

    [Test]
    public async Task FirstFrameOfAnotherType_Fails()
    {
        await using var both = new ConnectedAgent();
        var opening = both.OpenAsync();
        await both.Agent.ReceiveHandshakeAsync();
        await both.Agent.SendHealthAsync(new HealthStatus { State = HealthState.Healthy });
        Assert.That(async () => await opening, Throws.InstanceOf<ProtocolException>().With.Message.Contains("0x30"));
    }

    [Test]
    public async Task GarbageAnswer_Fails()
    {
        await using var both = new ConnectedAgent();
        var opening = both.OpenAsync();
        await both.Agent.ReceiveHandshakeAsync();
        await both.Agent.SendAsync(MessageType.HandshakeResponse, "{\"success\":"u8.ToArray());
        Assert.That(async () => await opening, Throws.InstanceOf<ProtocolException>());
    }

    [Test]
    public async Task HangUp_FailsAtOnce()
    {
        await using var both = new ConnectedAgent();
        var opening = both.OpenAsync();
        await both.Agent.ReceiveHandshakeAsync();
        both.Agent.Vanish();
        Assert.That(async () => await opening, Throws.InstanceOf<ProtocolException>().With.Message.Contains("without a word"));
    }

    [Test]
    public async Task Silence_FailsAtTheLimitAndNotBefore()
    {
        await using var both = new ConnectedAgent();
        var opening = both.OpenAsync();
        await both.Agent.ReceiveHandshakeAsync();
        both.Clock.AdvanceTicks(both.Settings.ConnectTimeout.Ticks - 1);
        Assert.That(both.Clock.ArmedTimers, Is.EqualTo(1), "it still waits");
        both.Clock.AdvanceTicks(1);
        Assert.That(async () => await opening, Throws.InstanceOf<TimeoutException>().With.Message.Contains("00:00:05"));
    }

    [TestCase(0u, 0u, 256)]
    [TestCase(0u, 100u, 100)]
    [TestCase(8u, 100u, 8)]
    [TestCase(1u, 0u, 1)]
    [TestCase(uint.MaxValue, uint.MaxValue, 256)]
    public void CallLimit_IsNeverAboveWhatTheAgentStates(uint concurrent, uint maxConcurrency, int expected)
    {
        var traits = TraitsOf(ScriptedAgent.Capable() with
        {
            Features = new AgentFeatures { ConcurrentRequests = concurrent },
            Limits = new AgentLimits { MaxConcurrency = maxConcurrency },
        });
        Assert.That(traits.MaxInFlight, Is.EqualTo(expected));
        Assert.That(traits.IsConcurrent, Is.EqualTo(concurrent > 1));
    }

    [TestCase(1000ul, 1000L)]
    [TestCase(0ul, 12_578_816L)]
    [TestCase(ulong.MaxValue, 12_578_816L)]
    public void BodyLimit_IsTheAgentsOrWhatAFrameHolds(ulong stated, long expected) => Assert.That(
        TraitsOf(ScriptedAgent.Capable() with { Limits = new AgentLimits { MaxBodySize = stated } }).MaxEventBytes, Is.EqualTo(expected));

    private static ConnectionTraits TraitsOf(AgentCapabilities capabilities) =>
        Handshake.TraitsOf(capabilities, new ConnectedAgent().Settings, AgentDialect.Native);
}
