using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What a client of a real HAProxy sees while agents or the daemon are away, and after.</summary>
[Category("EndToEnd")]
internal sealed class HaproxyFailureTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(60);

    [Test]
    public async Task AgentAbsent_Closed_Refuses()
    {
        await using var stack = await HaproxyStack.StartAsync(withAgent: false);

        var answer = await RawHttp.SendAsync(stack.Port, "GET / HTTP/1.1");

        Assert.That((answer.Status, answer.Header("Retry-After")), Is.EqualTo((503, "1")));
        Assert.That(stack.Origin.Requests, Is.Zero);
        await AccountedAsync(stack, "refused");
    }

    [Test]
    public async Task AgentAbsent_Open_PassesMarkedAndCounted()
    {
        await using var stack = await HaproxyStack.StartAsync(withAgent: false, agentKeys: ",failure-mode=open");

        var answer = await RawHttp.SendAsync(stack.Port, "GET / HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Contain("\"x-sidecar-bypassed\":\"agent-absent\"").IgnoreCase);
        await AccountedAsync(stack, "bypassed");
    }

    [Test]
    public async Task DaemonAbsent_FailClosed_LetsNothingPass_UntilItComes()
    {
        await using var stack = await HaproxyStack.StartAsync(withDaemon: false, patient: false);
        for (var i = 0; i < 20; i++)
        {
            var answer = await RawHttp.SendAsync(stack.Port, "GET / HTTP/1.1");
            Assert.That((answer.Status, answer.Body), Is.EqualTo((503, "inspection unavailable")));
        }

        Assert.That(stack.Origin.Requests, Is.Zero);
        await stack.StartDaemonAsync();
        await stack.WaitForDaemonAsync();
        Assert.That(stack.Origin.Requests, Is.GreaterThan(0));
    }

    [Test]
    public async Task DaemonAbsent_FailOpen_PassesMarkedAndLogged()
    {
        await using var stack = await HaproxyStack.StartAsync(withDaemon: false, patient: false, file: "haproxy-fail-open.cfg");

        var answer = await RawHttp.SendAsync(stack.Port, "GET /open HTTP/1.1", "X-Sidecar-Bypassed: no");

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Contain("\"x-sidecar-bypassed\":\"sidecar-unavailable\"").IgnoreCase);
        await Eventually.TrueAsync(
            () => stack.Haproxy.Log.Split('\n').Any(
                static line => line.Contains("/open", StringComparison.Ordinal) && line.Contains("bypassed=request", StringComparison.Ordinal)),
            Generous,
            "the log line of what passed uninspected");
    }

    [Test]
    public async Task DaemonRestartedUnderLoad_NothingPassesUninspected_AndItRecovers()
    {
        await using var stack = await HaproxyStack.StartAsync();
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 8).Select(_ => LoadAsync(stack.Port, stop.Token)).ToArray();
        await stack.Daemon.StopAsync();
        await stack.Daemon.DisposeAsync();
        await stack.StartDaemonAsync();
        await stack.WaitForDaemonAsync();
        var before = await stack.MetricAsync("sidecar_exchanges_received_total");
        await Eventually.TrueAsync(async () => await stack.MetricAsync("sidecar_exchanges_received_total") > before + 50, Generous, "load after the restart");
        await stop.CancelAsync();

        var statuses = (await Task.WhenAll(load)).SelectMany(static seen => seen).ToList();
        Assert.That(statuses, Has.Some.EqualTo(403));
        Assert.That(statuses.Distinct(), Is.SubsetOf(new[] { 403, 503 }), "every request was blocked by the agent or refused");
    }

    [Test]
    public async Task HaproxyReloadedUnderLoad_NoRequestFails()
    {
        await using var stack = await HaproxyStack.StartAsync();
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 8).Select(_ => LoadAsync(stack.Port, stop.Token)).ToArray();
        for (var i = 0; i < 3; i++)
        {
            var before = await stack.MetricAsync("sidecar_exchanges_received_total");
            await stack.Haproxy.ReloadAsync();
            await Eventually.TrueAsync(
                async () => await stack.MetricAsync("sidecar_exchanges_received_total") > before + 200, Generous, "load after the reload");
        }

        await stop.CancelAsync();
        var statuses = (await Task.WhenAll(load)).SelectMany(static seen => seen).ToList();

        // A worker that just started has not checked the sidecar yet; then the configuration fails closed.
        Assert.That(statuses.Distinct(), Is.SubsetOf(new[] { 403, 503 }));
        Assert.That(statuses.Count(static status => status == 403), Is.GreaterThan(statuses.Count / 2));
        await Eventually.TrueAsync(async () => await stack.MetricAsync("sidecar_exchanges_open") == 0, Generous, "the end of all exchanges");
    }

    [Test]
    public async Task EventStream_IsNotKilled()
    {
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders | EventSet.ResponseHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent);

        var answer = await RawHttp.SendAsync(stack.Port, "GET /events HTTP/1.1");

        Assert.That((answer.Status, answer.Header("Content-Type")), Is.EqualTo((200, "text/event-stream")));
        Assert.That(answer.Body, Does.Contain("data: 2"));
        Assert.That(agent.Seen.OfType<ResponseHeadersEvent>(), Is.Not.Empty);
    }

    [Test]
    public async Task EventStream_OfAnAgentThatWantsBodies_IsPartlySeenAndNotKilled()
    {
        await using var agent = new LambdaAgent("demo");
        await using var stack = await HaproxyStack.StartAsync(agent, agentKeys: ",on-excess=partial");

        var answer = await RawHttp.SendAsync(stack.Port, "GET /events HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Contain("data: 2"));
    }

    [Test]
    public async Task ResponseThatNeverComes_EndsByExpiry_AndLeaksNothing()
    {
        // An upstream that refuses connections: HAProxy's own 503 passes no rule for responses.
        await using var agent = new LambdaAgent("demo");
        await using var stack = await HaproxyStack.StartAsync(
            agent,
            edit: static text => Regex.Replace(
                text, @"server origin 127\.0\.0\.1:\d+", "retries 0\n    server origin 127.0.0.1:1", RegexOptions.None, Generous),
            daemonFlags: ["--exchange-expiry", "1s"]);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RawHttp.SendAsync(stack.Port, "GET /gone HTTP/1.1")));

        Assert.That(answers.Select(static answer => answer.Status), Is.All.EqualTo(503));
        await stack.MetricBecomesAsync(0, "sidecar_exchanges_open");
        await stack.MetricBecomesAsync(await stack.MetricAsync("sidecar_exchanges_received_total"), "sidecar_exchanges_total");
        Assert.That(
            await stack.MetricAsync("sidecar_exchanges_total", "state=\"abandoned\"", "cause=\"no-response\""),
            Is.GreaterThanOrEqualTo(20),
            "the response that the agent wanted never came, so nobody says that it was inspected");
    }

    [Test]
    public async Task AbstractName_IsReachedByHaproxy()
    {
        await using var stack = await HaproxyStack.StartAsync(abstractName: $"sidecar-test-{Guid.NewGuid():N}");

        Assert.That((await RawHttp.SendAsync(stack.Port, "GET /attack HTTP/1.1")).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task PageBeyondTheFrame_IsReplacedByOneThatFits()
    {
        await using var agent = LambdaAgent.That("demo", Protocol.Sdk.Answer.Block(418));
        agent.Answers = static (message, _) => new(Protocol.Sdk.Answer.Block(message is RequestHeadersEvent { Uri: "/large" } ? 418 : 403) with
        {
            Decision = new BlockDecision(418, message is RequestHeadersEvent { Uri: "/large" } ? new string('x', 20_000) : new string('y', 15_000)),
        });
        await using var stack = await HaproxyStack.StartAsync(agent);

        var large = await RawHttp.SendAsync(stack.Port, "GET /large HTTP/1.1");
        var fits = await RawHttp.SendAsync(stack.Port, "GET /fits HTTP/1.1");

        Assert.That((large.Status, large.Header("Content-Type")), Is.EqualTo((418, "text/html; charset=utf-8")));
        Assert.That(large.Body, Does.StartWith("<!doctype html>"));
        Assert.That((fits.Status, fits.Body.Length), Is.EqualTo((418, 15_000)));
        await stack.MetricBecomesAsync(1, "sidecar_operations_unapplied_total", "operation=\"reply-body\"");
    }

    // SPOP answers first and accounts then.
    private static Task AccountedAsync(HaproxyStack stack, string state) => Eventually.TrueAsync(
        async () => await stack.MetricAsync("sidecar_exchanges_total", $"state=\"{state}\"", "cause=\"agent-absent\"") > 0, Generous,
        $"an exchange that is {state}");

    private static async Task<List<int>> LoadAsync(int port, CancellationToken stop)
    {
        var seen = new List<int>();
        while (!stop.IsCancellationRequested)
        {
            seen.Add((await RawHttp.SendAsync(port, "GET /attack HTTP/1.1")).Status);
        }

        return seen;
    }
}
