using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

public sealed class HandshakeTests
{
    [TestCase("json", true, "json")]
    [TestCase("msgpack", true, "msgpack")]
    [TestCase("msgpack,json", true, "msgpack")]
    [TestCase("json,msgpack", true, "json")]
    [TestCase("cbor,msgpack", true, "msgpack")]
    [TestCase("msgpack", false, "json")]
    [TestCase("msgpack,json", false, "json")]
    [TestCase("", true, "json")]
    public async Task Encoding_IsTheFirstOfTheProxysThatIsSpoken(string offered, bool messagePack, string chosen)
    {
        await using var agent = new AgentHarness(new AllowingHandler(), options => options with { OffersMessagePack = messagePack });
        var response = await agent.Peer.IntroduceAsync(offered.Split(',', StringSplitOptions.RemoveEmptyEntries));

        Assert.That((response.Success, response.ProtocolVersion, response.Encoding), Is.EqualTo((true, 2u, chosen)));
        Assert.That(response.Capabilities.AgentId, Is.EqualTo("agent-1"));
        Assert.That((response.Capabilities.Features.BinaryBody, response.Capabilities.Features.Cancellation), Is.EqualTo((true, true)));
        Assert.That((await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A))).CorrelationId, Is.EqualTo(SampleEvents.A));
        Assert.That(agent.Connection.ProxyId, Is.EqualTo("proxy"));
    }

    [TestCase("[1]")]
    [TestCase("[]")]
    [TestCase("[3,4294967295]")]
    public async Task Defect44_NoCommonVersion_IsRefusedWithEveryMemberThenClosed(string versions)
    {
        await using var agent = new AgentHarness(new AllowingHandler());
        await agent.Peer.SendAsync(MessageType.HandshakeRequest, Encoding.UTF8.GetBytes($$"""{"supported_versions":{{versions}},"proxy_id":"p","proxy_version":"1"}"""));
        var json = JsonElement.Parse((await agent.Peer.ReadAsync())!.Value.Payload);

        Assert.That(json.GetProperty("success").GetBoolean(), Is.False);
        Assert.That(json.GetProperty("protocol_version").GetInt32(), Is.Zero);
        Assert.That(json.GetProperty("error").GetString(), Does.Contain("offer 2"));
        Assert.That(json.GetProperty("capabilities").GetProperty("supported_events").GetArrayLength(), Is.EqualTo(8));
        Assert.That(json.GetProperty("capabilities").GetProperty("features").EnumerateObject().Count(), Is.GreaterThanOrEqualTo(9));
        Assert.That(json.GetProperty("capabilities").GetProperty("limits").EnumerateObject().Count(), Is.EqualTo(3));
        await agent.Peer.AssertClosedAsync();
        await agent.Running.WaitAsync(Wire.Limit);
    }

    [Test]
    public async Task SecondTryAfterARefusal_IsNotHeard()
    {
        await using var agent = new AgentHarness(new AllowingHandler());
        var good = AnyMessage.Write(MessageEncodings.Json, new HandshakeRequest { SupportedVersions = [2], ProxyId = "late" });
        await agent.Pair.Far.Output.WriteAsync((byte[])
        [
            .. Wire.Frame(MessageType.HandshakeRequest, """{"supported_versions":[1]}"""u8),
            .. Wire.Frame(MessageType.HandshakeRequest, good),
        ]);
        Assert.That(HandshakeCodec.ReadResponse((await agent.Peer.ReadAsync())!.Value.Payload).Success, Is.False);
        await agent.Peer.AssertClosedAsync();
        Assert.That(agent.Connection.ProxyId, Is.Empty);
    }

    [Test]
    public async Task LongListOfWrongVersions_IsRefusedInAShortAnswer()
    {
        await using var agent = new AgentHarness(new AllowingHandler());
        var versions = string.Join(',', Enumerable.Range(1000, 2_000_000));
        await agent.Peer.SendAsync(MessageType.HandshakeRequest, Encoding.UTF8.GetBytes($$"""{"supported_versions":[{{versions}}]}"""));
        var response = HandshakeCodec.ReadResponse((await agent.Peer.ReadAsync())!.Value.Payload);
        Assert.That((response.Success, response.Error!.Length < 300), Is.EqualTo((false, true)), response.Error);
    }

    [TestCase(MessageType.Ping, "{}", "type 0x41, expected 0x01")]
    [TestCase(MessageType.RequestHeaders, "{}", "type 0x10, expected 0x01")]
    [TestCase(MessageType.HandshakeRequest, "", "HandshakeRequest")]
    [TestCase(MessageType.HandshakeRequest, "{nonsense", "HandshakeRequest")]
    [TestCase(MessageType.HandshakeRequest, "{\"supported_versions\":\"2\"}", "supported_versions")]
    public async Task BadFirstFrame_ClosesWithoutAnAnswer(MessageType type, string payload, string reason)
    {
        await using var agent = new AgentHarness(new AllowingHandler());
        await agent.Peer.SendAsync(type, Encoding.UTF8.GetBytes(payload));
        await agent.Peer.AssertClosedAsync();
        await agent.Running.WaitAsync(Wire.Limit);
        Assert.That(agent.Logger.Collector.GetSnapshot().Select(entry => entry.Message), Has.Some.Contains(reason));
    }

    [Test]
    public async Task NoHandshakeInTime_Closes()
    {
        await using var agent = new AgentHarness(new AllowingHandler());
        await Eventually.TrueAsync(() => agent.Time.ArmedTimers == 1, Wire.Limit, "the handshake timeout to be armed");
        agent.Time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        Assert.That(agent.Running.IsCompleted, Is.False);

        agent.Time.AdvanceTicks(1);
        await agent.Running.WaitAsync(Wire.Limit);
        await agent.Peer.AssertClosedAsync();
    }

    [Test]
    public async Task Introduced_NeedsNoTimeout()
    {
        await using var agent = await AgentHarness.IntroducedAsync(new AllowingHandler());
        await Eventually.TrueAsync(() => agent.Time.ActiveTimers == 0, Wire.Limit, "the handshake timeout to be gone");
        agent.Time.Advance(TimeSpan.FromHours(1));
        await agent.Peer.PingAsync();
    }
}
