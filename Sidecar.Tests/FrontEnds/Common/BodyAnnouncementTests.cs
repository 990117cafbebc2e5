using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.AuthRequest;
using Sidecar.Tests.FrontEnds.Decide;
using Sidecar.Tests.FrontEnds.ExtProc;
using Sidecar.Tests.FrontEnds.Spop;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>An agent learns with a request's headers whether anything about a body follows, and need not guess by what a client may have left out.</summary>
[TestFixture]
internal sealed class BodyAnnouncementTests
{
    [TestCase(null)]
    [TestCase(true)]
    [TestCase(false)]
    public async Task Native_SaysWhatItIsTold(bool? told)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x") with { HasBody = told });
        Assert.That(Told(agent), Is.EqualTo(told));
    }

    [TestCase("5")]
    [TestCase("0")]
    public async Task Http_HandsNoBodyOver(string length)
    {
        var agent = new TestAgent("a");
        await using var harness = await HttpHarness.StartAsync(agent);
        using var answer = await harness.CheckAsync(("X-Original-Method", "POST"), ("X-Sidecar-Content-Length", length), ("X-Sidecar-Protocol", "HTTP/1.1"));
        Assert.That(agent.Last?.HasBody, Is.False);
    }

    [TestCase(null, null, false)]
    [TestCase("abc", null, true)]
    [TestCase(null, 9L, true)]
    public async Task Spop_KnowsWhetherThereIsOne(string? body, long? size, bool expected)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request(method: "POST", body: body is null ? null : System.Text.Encoding.ASCII.GetBytes(body), bodySize: size));
        Assert.That(Told(agent), Is.EqualTo(expected));
    }

    [TestCase("", "", false)]
    [TestCase("abc", "3", true)]
    [TestCase("", "3", true, Description = "cut to nothing")]
    public async Task Authz_KnowsWhetherThereIsOne(string body, string length, bool expected)
    {
        await using var agent = new LambdaAgent("a");
        await using var server = await EnvoyServer.StartAsync(agent);
        var question = Messages.Question(length.Length == 0 ? [] : [("content-length", length)]);
        question.Attributes.Request.Http.Body = body;
        await server.CheckAsync(question);
        Assert.That(Told(agent), Is.EqualTo(expected));
    }

    [TestCase(true, BodySendMode.Buffered, "", false)]
    [TestCase(false, BodySendMode.Buffered, "", true)]
    [TestCase(false, BodySendMode.Streamed, "", true)]
    [TestCase(false, BodySendMode.None, "", false)]
    [TestCase(false, BodySendMode.Streamed, "websocket", true, Description = "an upgrade that POST cannot ask for hides no body")]
    public async Task ExtProc_KnowsWhetherEnvoyBringsOne(bool last, BodySendMode mode, string upgrade, bool expected)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options with { AllowsModeOverride = false }, agent);
        await rig.TellAsync(Messages.Request(last, mode, mode, upgrade.Length == 0 ? [] : [("upgrade", upgrade), ("connection", "upgrade")]));
        await Eventually.TrueAsync(() => agent.Seen.OfType<RequestHeadersEvent>().Any(), TimeSpan.FromSeconds(60), "the request");
        Assert.That(Told(agent), Is.EqualTo(expected));
    }

    [TestCase("request", null, """["host","shop.example"]""", false)]
    [TestCase("request", "abc", """["host","shop.example"]""", true)]
    [TestCase("request_headers", null, """["host","shop.example"]""", null)]
    [TestCase("request_headers", null, """["content-length","3"]""", true)]
    [TestCase("request_headers", null, """["content-length","0"]""", false)]
    [TestCase("request_headers", null, """["transfer-encoding","chunked"]""", true)]
    public async Task Script_TellsABodyWithTheHeadersOrAnnouncesIt(string phase, string? body, string headers, bool? expected)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t", body: body is null ? null : Questions.Body(body), phase: phase, headers: headers));
        Assert.That(Told(agent), Is.EqualTo(expected));
    }

    private static bool? Told(LambdaAgent agent) => agent.Seen.OfType<RequestHeadersEvent>().Single().HasBody;
}
