using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Daemon.Listeners.Registration;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Listeners.Registration;

/// <summary>What a peer says to register, and what becomes of it (spec §8).</summary>
public sealed class RegistrationTests
{
    [Test]
    public async Task RightAgentAndToken_AreLetIn_UnderUniqueIds()
    {
        await using var rig = new ReverseRig(withTokens: true);
        var (first, one) = await rig.RegisterAsync(ReverseRig.Request("waf", ReverseRig.WafToken));
        var (second, two) = await rig.RegisterAsync(ReverseRig.Request("waf", ReverseRig.WafToken));
        Assert.That((one.Success, one.Error, one.ProxyId, one.ProxyVersion), Is.EqualTo((true, (string?)null, "sidecar", "9.8.7")));
        Assert.That(one.ConnectionId, Does.Match("^waf-[0-9a-f]{16}$").And.Not.EqualTo(two.ConnectionId));
        Assert.That(rig.Waf.Count, Is.EqualTo(2));
        await rig.OutcomeAsync("accepted=2");
        first.Dispose();
        second.Dispose();
    }

    // In the order in which they are judged; the texts of the first four are the reference's.
    [TestCase(3u, "", null, "Protocol version mismatch: expected 2, got 3", "bad-version")]
    [TestCase(2u, "", null, "Invalid message format: Agent ID cannot be empty", "no-agent-id")]
    [TestCase(2u, "agent-1", null, "Invalid message format: Agent 'agent-1' is not in the allowed list", "not-allowed")]
    [TestCase(2u, "WAF", ReverseRig.WafToken, "Invalid message format: Agent 'WAF' is not in the allowed list", "not-allowed")]
    [TestCase(2u, "waf", null, "Invalid message format: Authentication required but no token provided", "no-token")]
    public async Task WrongRegistration_IsRefusedByName_AndClosed(uint version, string agent, string? token, string error, string outcome)
    {
        await using var rig = new ReverseRig(withTokens: true);
        var (peer, response) = await rig.RegisterAsync(ReverseRig.Request(agent, token) with { ProtocolVersion = version });
        Assert.That((response.Success, response.Error, response.ConnectionId), Is.EqualTo((false, error, "")));
        Assert.That((response.ProxyId, response.ProxyVersion), Is.EqualTo(("sidecar", "9.8.7")), "always present");
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync(outcome + "=1");
        Assert.That((rig.Waf.Count, rig.Agents["bot"].Count), Is.EqualTo((0, 0)));
        peer.Dispose();
    }

    // The reference only looked whether there is a token.
    [TestCase("", "Invalid message format: Authentication required but no token provided", "no-token")]
    [TestCase("tok", "Authentication failed: the token is none of agent 'waf'", "wrong-token")]
    [TestCase(ReverseRig.BotToken, "Authentication failed: the token is none of agent 'waf'", "wrong-token")]
    public async Task Defect35_TokenThatIsNotTheAgents_IsRefused(string token, string error, string outcome)
    {
        await using var rig = new ReverseRig(withTokens: true);
        var (peer, response) = await rig.RegisterAsync(ReverseRig.Request("waf", token));
        Assert.That((response.Success, response.Error, response.ConnectionId), Is.EqualTo((false, error, "")));
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync(outcome + "=1");
        Assert.That((rig.Waf.Count, rig.Agents["bot"].Count), Is.EqualTo((0, 0)));
        peer.Dispose();
    }

    [Test]
    public async Task Defect38_IdInTheCapabilities_CountsForNothing()
    {
        await using var rig = new ReverseRig();
        var request = ReverseRig.Request() with { Capabilities = ScriptedAgent.Capable() with { AgentId = "bot" } };
        var (peer, response) = await rig.RegisterAsync(request);
        Assert.That(response.Success, Is.True);
        Assert.That((rig.Waf.Count, rig.Agents["bot"].Count), Is.EqualTo((1, 0)));
        peer.Dispose();
    }

    [Test]
    public async Task LongOrOddAgentId_IsCutAndCleanedWhereItIsShown()
    {
        await using var rig = new ReverseRig();
        var (peer, response) = await rig.RegisterAsync(ReverseRig.Request("line\nbreak" + new string('x', 5000)));
        Assert.That(response.Error, Does.Contain(@"'line\u000abreakxxx").And.Length.LessThan(200));
        var line = await rig.Log.WaitForAsync(static entry => entry.Id.Id == 1201, ScriptedAgent.Limit);
        Assert.That(line.Message, Does.Contain("reverse:r is refused (not-allowed)").And.Not.Contain("\n"));
        peer.Dispose();
    }

    [TestCase("[]")]
    [TestCase("{")]
    [TestCase("\u0000\u00ff")]
    [TestCase("""{"protocol_version":2,"agent_id":"waf"}""")]
    [TestCase("""{"protocol_version":"2","agent_id":"waf","capabilities":{}}""")]
    [TestCase("")]
    public async Task UndecodableRegistration_IsClosedWithoutAnAnswer(string payload)
    {
        await using var rig = new ReverseRig();
        using var peer = await rig.ConnectAsync();
        await peer.SendAsync(MessageType.HandshakeRequest, Encoding.Latin1.GetBytes(payload));
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync("undecodable=1");
    }

    [Test]
    public async Task OtherFrameType_IsClosedWithoutAnAnswer([Values(MessageType.HandshakeResponse, MessageType.Ping, (MessageType)0x7F)] MessageType type)
    {
        await using var rig = new ReverseRig();
        using var peer = await rig.ConnectAsync();
        await peer.SendAsync(type, "{}"u8.ToArray());
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync("bad-type=1");
    }

    [TestCase(new byte[] { 0, 0, 0, 0 })]
    [TestCase(new byte[] { 0, 1, 0, 1 }, Description = "64 KiB and one byte")]
    [TestCase(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF })]
    public async Task BadLength_IsClosedBeforeMoreIsRead(byte[] announced)
    {
        await using var rig = new ReverseRig();
        using var peer = await rig.ConnectAsync();
        await peer.Output.WriteAsync(announced);
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync("bad-length=1");
    }

    [Test]
    public async Task RegistrationOfTheLargestLength_IsTaken()
    {
        await using var rig = new ReverseRig();
        var empty = AnyMessage.Write(MessageEncodings.Json, ReverseRig.Request() with { Metadata = JsonElement.Parse("\"\"") }).Length;
        var request = ReverseRig.Request() with { Metadata = JsonElement.Parse($"\"{new string('m', (64 * 1024) - 1 - empty)}\"") };
        var (peer, response) = await rig.RegisterAsync(request);
        Assert.That(response.Success, Is.True);
        peer.Dispose();
    }

    [Test]
    public async Task PeerThatClosesHalfway_IsCountedAsGone([Values(0, 3, 4, 5, 100)] int sent)
    {
        await using var rig = new ReverseRig();
        var whole = Wire.Frame(MessageType.HandshakeRequest, AnyMessage.Write(MessageEncodings.Json, ReverseRig.Request()));
        var peer = await rig.ConnectAsync();
        await peer.Output.WriteAsync(whole.AsMemory(0, sent));
        peer.Dispose();
        await rig.OutcomeAsync("gone=1");
        await Eventually.TrueAsync(() => rig.Listener.Unregistered == 0, ScriptedAgent.Limit, "its place to be free");
        Assert.That(rig.Outcomes, Is.EqualTo(new[] { "gone=1" }));
    }

    [Test]
    public async Task DialectR_IsAlwaysAnsweredInItsOwnWords()
    {
        await using var rig = new ReverseRig();
        using var peer = await rig.ConnectAsync();
        await peer.SendAsync((MessageType)0x03, "{}"u8.ToArray());
        var frame = await peer.ReadAsync();
        Assert.That(frame!.Value.Type, Is.EqualTo((MessageType)0x04));
        var answer = JsonElement.Parse(frame.Value.Payload);
        Assert.That(answer.GetProperty("accepted").GetBoolean(), Is.False);
        Assert.That(answer.GetProperty("error").GetString(), Does.Contain("request-id dialect"));
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync("bad-dialect=1");
    }

    [Test]
    public async Task RefusalsOfOneKind_AreLoggedOnceAMinute()
    {
        await using var rig = new ReverseRig();
        for (var i = 0; i < 3; i++)
        {
            (await rig.RegisterAsync(ReverseRig.Request("nobody"))).Peer.Dispose();
        }

        await rig.OutcomeAsync("not-allowed=3");
        Assert.That(rig.Log.GetSnapshot().Count(static entry => entry.Id.Id == 1201), Is.EqualTo(1));
        rig.Time.Advance(TimeSpan.FromMinutes(1));
        (await rig.RegisterAsync(ReverseRig.Request("nobody"))).Peer.Dispose();
        await rig.OutcomeAsync("not-allowed=4");
        Assert.That(rig.Log.GetSnapshot().Last(static entry => entry.Id.Id == 1201).GetStructuredStateValue("LeftOut"), Is.EqualTo("2"));
    }

    [Test]
    public void Labels_AreOfOneKind()
    {
        var labels = Enum.GetValues<RegistrationOutcome>().Select(static outcome => outcome.Label()).ToList();
        Assert.That(labels, Has.All.Match("^[a-z]+(-[a-z]+)*$"));
        Assert.That(labels, Is.Unique);
    }
}
