using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections.Framed;

/// <summary>Agents of dialects that are not spoken are named with what can be done, by what they made of our handshake when it was recorded.</summary>
internal sealed class OtherDialectTests
{
    private const string Remedy = "which is not spoken yet: use a build of the agent on the protocol's own crate, the Rust SDK or ours";

    [TestCase("go-v2", int.MaxValue, "it answers in the request-id dialect (version 2 of the Go and Kotlin SDKs)")]
    [TestCase("go-v2", 1, "it answers in the request-id dialect (version 2 of the Go and Kotlin SDKs)")]
    [TestCase("go-base", int.MaxValue, "it closed the connection without a word: it crashed, or it speaks the envelope dialect")]
    [TestCase("python", int.MaxValue, "it closed the connection without a word: it crashed, or it speaks the envelope dialect")]
    public async Task RecordedAgents_AreRecognised_InWholeFramesAndByteByByte(string recording, int piece, string expected)
    {
        using var directory = new TempDirectory();
        await using var agent = new RecordedAgent(directory.Socket("agent"), recording, piece);
        var error = Assert.ThrowsAsync<AgentUnreachableException>(() => DialAsync(directory.Socket("agent")));
        Assert.That(error!.Message, Does.Contain(expected).And.EndsWith(Remedy));
        Assert.That(error.Problem, Is.EqualTo(recording == "go-v2" ? DialProblem.OtherDialect : DialProblem.ClosedSilently));
    }

    [TestCase("""{"protocol_version":2,"agent_name":"k","capabilities":{"success":false},"encoding":"json"}""", true)]
    [TestCase("""{"accepted":true}""", true)]
    [TestCase("""{"success":false,"agent_name":"x","error":"licence expired"}""", false)]
    [TestCase("""{"capabilities":{"accepted":true,"agent_name":"x"}}""", false)]
    [TestCase("""["accepted"]""", false)]
    [TestCase("""{"accepted":tru""", false)]
    [TestCase("", false)]
    public void Answers_OfTheRequestIdDialect_AreToldFromBrokenOnes(string answer, bool isOne) =>
        Assert.That(OtherDialects.Of(System.Text.Encoding.UTF8.GetBytes(answer)), isOne ? Is.Not.Null : Is.Null);

    private static async Task DialAsync(string path)
    {
        var settings = new ConnectionSettings
        {
            AgentId = "waf",
            MaxInFlight = 1,
            ConnectTimeout = ScriptedAgent.Limit,
            Encodings = [ProtocolConstants.MessagePack, ProtocolConstants.Json],
            ProxyVersion = "1",
        };
        var dialer = new UnixSocketDialer(path, settings, TimeProvider.System, new FakeLogger());
        await using var connection = await dialer.DialAsync(new RecordingSink(), CancellationToken.None);
    }
}
