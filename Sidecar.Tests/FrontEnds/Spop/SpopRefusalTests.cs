using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>What cannot be inspected, by the fault of HAProxy's configuration or of a client, is refused, counted and named.</summary>
internal sealed class SpopRefusalTests
{
    private static IEnumerable<TestCaseData> Misconfigurations()
    {
        var arguments = SpopAsk.RequestArguments();
        foreach (var missing in (string[])["id", "method", "uri", "headers", "whole", "len"])
        {
            yield return new TestCaseData("sidecar-request", arguments.Where(argument => argument.Key != missing).ToArray()).SetArgDisplayNames("no " + missing);
        }

        // As configurations before it said: path and query tell less of the request line than the upstream gets.
        yield return new TestCaseData("sidecar-request", ((string, object?)[])[.. arguments.Where(static a => a.Key != "uri"), ("path", "/"), ("query", null)]).SetArgDisplayNames("path only");
        yield return new TestCaseData("check-request", arguments).SetArgDisplayNames("unknown message");
        yield return new TestCaseData("sidecar-request", ((string, object?)[])[.. arguments, ("route", "nowhere")]).SetArgDisplayNames("unknown route");
        yield return new TestCaseData("sidecar-request", ((string, object?)[])[.. arguments, ("body", "twice")]).SetArgDisplayNames("body twice");
        yield return new TestCaseData("sidecar-request", ((string, object?)[])[.. arguments, .. Enumerable.Range(0, 33).Select(static i => ($"own{i}", (object?)i))])
            .SetArgDisplayNames("33 own");
        yield return new TestCaseData("sidecar-request", ((string, object?)[])[.. arguments.Where(static a => a.Key != "headers"), ("headers", "text")]).SetArgDisplayNames("text as block");
    }

    [TestCaseSource(nameof(Misconfigurations))]
    public async Task Misconfiguration_RefusesAndIsLoggedOnce(string message, (string, object?)[] arguments)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = new FakeTimeProvider() }, agent);
        var peer = await harness.GreetAsync();

        for (var i = 0; i < 3; i++)
        {
            var answer = await peer.AskAsync(SpopProxy.NotifyFrame(1, 1, message, arguments));
            Assert.That((answer["act"], answer["cause"], answer["status"]), Is.EqualTo(("failed-closed", "malformed", 403u)));
        }

        Assert.That(agent.Seen, Is.Empty);
        Assert.That(harness.Inspection.Logs.Collector.GetSnapshot().Count(static entry => entry.Id.Id == 3204), Is.EqualTo(1));
        Assert.That((await harness.Inspection.EndedAsync()).Sum(static line => int.Parse(line.Split('=')[1], null)), Is.EqualTo(3));
    }

    [TestCase("method")]
    [TestCase("uri")]
    public async Task MessageThatDoesNotSayWhatItAsksFor_IsOnNoRoute(string missing)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions(), agent);
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopProxy.NotifyFrame(1, 1, "sidecar-request", [.. SpopAsk.RequestArguments().Where(argument => argument.Key != missing)]));

        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|none|refused|malformed=1" }));
        Assert.That(harness.Inspection.Sums.Of("agent.exchanges"), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Unfit()
    {
        yield return new TestCaseData((object)SpopAsk.Request(method: "GE T")).SetArgDisplayNames("method");
        yield return new TestCaseData((object)SpopAsk.Request(path: "no-slash")).SetArgDisplayNames("no slash");
        yield return new TestCaseData((object)SpopAsk.Request(path: "/a b")).SetArgDisplayNames("space");
        yield return new TestCaseData((object)SpopAsk.Request(path: "http://mallory@shop.example.org/")).SetArgDisplayNames("userinfo");
        yield return new TestCaseData((object)SpopAsk.Request(path: "http://other.example/")).SetArgDisplayNames("other authority");
        yield return new TestCaseData((object)SpopAsk.Request(path: "http://shop.example.org#x")).SetArgDisplayNames("fragment");
        yield return new TestCaseData((object)SpopAsk.Request(method: "CONNECT", path: "shop.example.org:443")).SetArgDisplayNames("authority form");
        yield return new TestCaseData((object)SpopAsk.Request(headers: [("host", "other.example")])).SetArgDisplayNames("two hosts");
        yield return new TestCaseData((object)SpopAsk.Request(headers: [.. Enumerable.Range(0, 500).Select(static i => ($"x{i}", "y"))])).SetArgDisplayNames("501 headers");
    }

    [TestCaseSource(nameof(Unfit))]
    public async Task WhatCannotBeInspected_IsRefusedWith403(byte[] notify)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(notify);

        Assert.That((answer["act"], answer["status"]), Is.EqualTo(("failed-closed", 403u)));
        Assert.That(agent.Seen, Is.Empty);
    }
}
