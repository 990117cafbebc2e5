using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>Replies in Envoy's words.</summary>
internal sealed class EnvoyWordsTests
{
    [Test]
    public void Reply_ReplacesEachHeaderOnceAndAddsTheRest()
    {
        var mutation = EnvoyEdits.ForReply([new("set-cookie", "a=1"), new("content-type", "text/html"), new("set-cookie", "b=2")]);

        Assert.That(mutation.Text(), Is.EqualTo("set-cookie=a=1 content-type=text/html set-cookie+b=2"));
    }

    /// <summary>Only what may pass later invites a client to try again.</summary>
    [TestCase(200, GrpcStatusCode.PermissionDenied)]
    [TestCase(302, GrpcStatusCode.PermissionDenied)]
    [TestCase(401, GrpcStatusCode.Unauthenticated)]
    [TestCase(403, GrpcStatusCode.PermissionDenied)]
    [TestCase(404, GrpcStatusCode.PermissionDenied)]
    [TestCase(413, GrpcStatusCode.ResourceExhausted)]
    [TestCase(429, GrpcStatusCode.ResourceExhausted)]
    [TestCase(500, GrpcStatusCode.Unavailable)]
    [TestCase(502, GrpcStatusCode.Unavailable)]
    [TestCase(503, GrpcStatusCode.Unavailable)]
    [TestCase(504, GrpcStatusCode.Unavailable)]
    public void GrpcStatus_SaysWhatTheStatusSays(int status, object code) => Assert.That(GrpcReply.CodeOf(status), Is.EqualTo(code));

    [TestCase("<!doctype html><p>no", "text/html", "418 Request Refused")]
    [TestCase("no entry", "text/plain", "no entry")]
    [TestCase("LONG", "text/plain", "LINE")]
    public void GrpcReply_IsOneShortLineWithAStatus_AndKeepsTheAgentsOwn(string body, string type, string line)
    {
        var reply = new Reply(418, [new("content-type", type), new("x-why", "waf")], Encoding.UTF8.GetBytes(body.Replace("LONG", new string('é', 2000), StringComparison.Ordinal)));

        var told = GrpcReply.Of(reply);
        var own = GrpcReply.Of(reply with { Headers = [new("grpc-status", "9")] });

        Assert.That(Encoding.UTF8.GetString(told.Body.Span), Is.EqualTo(line.Replace("LINE", new string('é', 1024), StringComparison.Ordinal)));
        Assert.That(told.Headers, Is.EqualTo(new KeyValuePair<string, string>[] { new("x-why", "waf"), new("grpc-status", "7") }));
        Assert.That(own.Headers, Is.EqualTo(new KeyValuePair<string, string>[] { new("grpc-status", "9") }));
    }

    [Test]
    public void Details_HaveNoSpacesAndAnEnd()
    {
        var response = ImmediateResponses.From(
            new Verdict { Kind = VerdictKind.Block, Decision = new BlockDecision(), DecidedBy = "my agent \u00fc" + new string('x', 200) }, isGrpc: false);

        Assert.That(response.Details, Does.StartWith("sidecar_block_my_agent__xxx").And.Length.EqualTo(128));
    }
}
