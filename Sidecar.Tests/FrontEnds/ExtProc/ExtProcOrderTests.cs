using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>Messages that cannot come.</summary>
internal sealed class ExtProcOrderTests
{
    // Q: request headers, q: the same with the end of the stream, b: a piece of its body, B: its last, t: its trailers; R, r, c, C, u: the response's. ?:
    // nothing we know.
    [TestCase("?", "a message holds no headers, body or trailers")]
    [TestCase("Q?", "a message holds no headers, body or trailers")]
    [TestCase("b", " came ")]
    [TestCase("t", " came ")]
    [TestCase("R", " came ")]
    [TestCase("c", " came ")]
    [TestCase("QQ", " came ")]
    [TestCase("qb", " came ")]
    [TestCase("qt", " came ")]
    [TestCase("QBb", " came ")]
    [TestCase("QBt", " came ")]
    [TestCase("Qtt", " came ")]
    [TestCase("Qtb", " came ")]
    [TestCase("Qc", " came ")]
    [TestCase("Qu", " came ")]
    [TestCase("QBRR", " came ")]
    [TestCase("QBRCc", " came ")]
    [TestCase("QBRCu", " came ")]
    public async Task WrongOrder_IsRefusedByAReply(string messages, string problem)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        foreach (var message in messages[..^1])
        {
            await rig.AskAsync(Message(message));
        }

        Assert.That(rig.Stream.End, Is.Null);
        await rig.TellAsync(Message(messages[^1]));
        var end = await rig.EndAsync();
        Assert.That(end.IsBroken, Is.True, end.Detail);
        Assert.That(end.Detail, Does.Contain(problem));
        Assert.That((await rig.NextAsync()).ImmediateResponse?.Status.Code, Is.EqualTo(503), "an error would let the request pass where the filter fails open");
        Assert.That((await rig.Harness.EndedAsync()).Single(), Does.Contain("|refused|broken-filter="));
        Assert.That(rig.Harness.Inspector.Warnings.All.Single(), Is.EqualTo($"listener envoy: {end.Detail}"));
        await rig.TellAsync(Messages.Body(Direction.Request, "after the end"));
    }

    [TestCase(BodySendMode.Grpc)]
    [TestCase((BodySendMode)9)]
    public async Task ModeThatIsNotSpoken_IsRefusedByName(BodySendMode mode)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.TellAsync(Messages.Request(request: BodySendMode.None, response: mode));

        var end = await rig.EndAsync();
        Assert.That(end, Is.EqualTo(new ExtProcEnd($"the filter sends bodies in mode {mode}, which is not spoken here; NONE to FULL_DUPLEX_STREAMED are")));
        Assert.That((await rig.NextAsync()).ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|broken-filter"));
        Assert.That(agent.Seen, Is.Empty);
    }

    [TestCase(":method", "no :method")]
    [TestCase(":path", "no :path")]
    public async Task RequestLineThatEnvoyAlwaysSends_IsMissed(string missing, string expected)
    {
        await using var rig = await ExtProcRig.StartAsync();
        var message = Messages.Request();
        message.RequestHeaders.Headers.Headers.Remove(message.RequestHeaders.Headers.Headers.Single(header => header.Key == missing));
        await rig.TellAsync(message);

        var end = await rig.EndAsync();
        Assert.That(end, Is.EqualTo(new ExtProcEnd($"the request's headers have {expected}; the filter's forward_rules must let it through")));
        Assert.That((await rig.NextAsync()).ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|broken-filter"));
        Assert.That(rig.Harness.Sums.Sum("exchanges", ("route", "none")), Is.EqualTo(1), "nobody knows what it asked for");
    }

    [TestCase("")]
    [TestCase("abc")]
    [TestCase("99")]
    public async Task ResponseWithoutAStatus_IsRefused(string status)
    {
        await using var rig = await ExtProcRig.StartAsync();
        await rig.AskAsync(Messages.Request(last: true));
        await rig.TellAsync(Messages.Response(status: status));

        Assert.That(await rig.EndAsync(), Is.EqualTo(new ExtProcEnd("the response's headers have no :status from 100 to 999")));
        Assert.That((await rig.NextAsync()).ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|broken-filter"));
    }

    [Test]
    public async Task BodyInModeNone_IsSpurious()
    {
        await using var agent = new LambdaAgent("a") { Supports = EventSet.RequestHeaders };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(request: BodySendMode.None));
        await rig.TellAsync(Messages.Body(Direction.Request, "b"));

        Assert.That(await rig.EndAsync(), Is.EqualTo(new ExtProcEnd("a Request body came, and the filter's mode is NONE")));
    }

    [Test]
    public async Task SecondBufferedBody_IsSpurious([Values(BodySendMode.Buffered, BodySendMode.BufferedPartial)] BodySendMode mode)
    {
        await using var rig = await ExtProcRig.StartAsync();
        await rig.AskAsync(Messages.Request(request: mode));
        await rig.AskAsync(Messages.Body(Direction.Request, "a"));
        await rig.TellAsync(Messages.Body(Direction.Request, "b"));

        Assert.That((await rig.EndAsync()).Detail, Does.StartWith("a second Request body came"));
    }

    [Test]
    public async Task TrailersAfterTheEndOfABuffer_AreAnswered()
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        await rig.AskAsync(Messages.Request(request: BodySendMode.Buffered));
        await rig.AskAsync(Messages.Body(Direction.Request, "a", last: true));

        Assert.That((await rig.AskAsync(Messages.Trailers(Direction.Request))).RequestTrailers, Is.Not.Null);
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    private static ProcessingRequest Message(char code) => code switch
    {
        'Q' => Messages.Request(request: BodySendMode.Streamed, response: BodySendMode.Streamed),
        'q' => Messages.Request(last: true, BodySendMode.Streamed, BodySendMode.Streamed),
        'b' => Messages.Body(Direction.Request, "b"),
        'B' => Messages.Body(Direction.Request, "B", last: true),
        't' => Messages.Trailers(Direction.Request),
        'R' => Messages.Response(),
        'r' => Messages.Response(last: true),
        'c' => Messages.Body(Direction.Response, "c"),
        'C' => Messages.Body(Direction.Response, "C", last: true),
        'u' => Messages.Trailers(Direction.Response),
        _ => new ProcessingRequest { ObservabilityMode = false },
    };
}
