using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// The daemon is stopped, or another takes over, while requests are at the upstream whose responses are still to be inspected: none is refused,
/// none passes uninspected, none is left hanging.
/// </summary>
[Category("EndToEnd")]
internal sealed class DrainTests
{
    private const int Requests = 200;
    private const int NearlyAll = Requests * 9 / 10;

    // What the agent does to a response that it has seen.
    private const string Mark = "X-Frame-Options";

    // Half of what HAProxy waits for the sidecar: at any moment many a response is being asked about.
    private static readonly TimeSpan SlowAnswer = TimeSpan.FromMilliseconds(100);

    // "timeout server" of the ready configurations, and what a busy machine may add.
    private static readonly TimeSpan ProxysTimeout = TimeSpan.FromSeconds(30 + 15);

    [Test]
    public async Task Haproxy_StopLosesNoResponseThatIsStillToCome_AndRefusesNewRequestsMeanwhile()
    {
        await using var agent = Marking();
        await using var stack = await HaproxyStack.StartAsync(agent);
        var waiting = await UnderWayAsync(stack.Port, "/held", stack.Origin);

        await stack.Daemon.SignalAsync("-TERM");
        await stack.Daemon.WaitForAsync("exchanges await their response");
        var late = await RawHttp.SendAsync(stack.Port, "GET /late HTTP/1.1");
        await stack.MetricBecomesAsync(1, "sidecar_exchanges_total", "state=\"refused\"", "cause=\"shutting-down\"");
        stack.Origin.Release();

        await InspectedAsync(waiting, agent);
        Assert.That(late.Status, Is.EqualTo(503));
        Assert.That(await stack.Daemon.WaitForExitAsync(), Is.Zero);
        Assert.That(File.Exists(stack.Files.Socket("spop")), Is.False);
    }

    [Test]
    public async Task Haproxy_TakeoverLosesNoResponse_AndThePredecessorEndsByItself()
    {
        await using var agent = Marking();
        await using var stack = await HaproxyStack.StartAsync(agent);
        var waiting = await UnderWayAsync(stack.Port, "/held", stack.Origin);

        await using var old = await stack.TakeOverAsync();
        await old.WaitForAsync("this daemon ends by itself");
        var next = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RawHttp.SendAsync(stack.Port, "GET /next HTTP/1.1")));
        Assert.That(old.HasExited, Is.False, "it waits for its responses");
        stack.Origin.Release();

        await InspectedAsync(waiting, agent);
        Assert.That(next.Select(static answer => (answer.Status, answer.Header(Mark))), Is.All.EqualTo((200, "seen")));
        Assert.That(await old.WaitForExitAsync(), Is.Zero);
        Assert.That((await RawHttp.SendAsync(stack.Port, "GET /after HTTP/1.1")).Status, Is.EqualTo(200));
        Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\""), Is.Zero);
    }

    [Test]
    public async Task Haproxy_TakeoverAndStopOfThePredecessor_LoseNoResponse()
    {
        await using var agent = Marking();
        await using var stack = await HaproxyStack.StartAsync(agent, file: "haproxy-fail-open.cfg");
        var waiting = await UnderWayAsync(stack.Port, "/held", stack.Origin);

        await using var old = await stack.TakeOverAsync();
        await old.SignalAsync("-TERM");
        stack.Origin.Release();

        await InspectedAsync(waiting, agent);
        Assert.That(await old.WaitForExitAsync(), Is.Zero);
    }

    [TestCase("haproxy.cfg")]
    [TestCase("haproxy-fail-open.cfg")]
    public async Task Haproxy_StopWhileResponsesAreAskedAbout_LeavesNobodyWithoutAnAnswer(string file)
    {
        await using var agent = Marking();
        await using var stack = await HaproxyStack.StartAsync(agent, file: file);
        var (released, before, answers) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), Asked(agent), agent.Answers);
        agent.Answers = async (message, cancellationToken) =>
        {
            await (message is ResponseHeadersEvent ? released.Task.WaitAsync(cancellationToken) : Task.CompletedTask);
            return await answers(message, cancellationToken);
        };
        var waiting = Enumerable.Range(0, Requests).Select(_ => RawHttp.SendAsync(stack.Port, "GET /asked HTTP/1.1")).ToArray();

        // HAProxy keeps one question or another back until an answer comes: it opens a connection for the next by the rate that it has seen. The
        // daemon then waits for it as for any response that is still to come.
        await Eventually.TrueAsync(() => Asked(agent) >= before + NearlyAll, TimeSpan.FromSeconds(120), "nearly all responses asked about");

        await stack.Daemon.SignalAsync("-TERM");
        await stack.Daemon.WaitForAsync("Shutdown: listeners");
        var asked = Asked(agent) - before;
        if (asked == Requests)
        {
            await Eventually.TrueAsync(() => !Accepts(stack.Files.Socket("spop")), TimeSpan.FromSeconds(60), "a daemon that takes no more connections");
        }

        released.SetResult();

        var inspected = (await Task.WhenAll(waiting)).Count(static answer => (answer.Status, answer.Header(Mark)) == (200, "seen"));
        Assert.That(inspected, Is.GreaterThanOrEqualTo(asked), () => $"{stack.Daemon.Output}\n{stack.Haproxy.Log}");
        Assert.That(await stack.Daemon.WaitForExitAsync(), Is.Zero);
    }

    // With HAProxy's own patience: a client that is left without an answer waits until another daemon listens, however long that takes.
    [TestCase("haproxy.cfg", "")]
    [TestCase("haproxy-fail-open.cfg", "")]
    [TestCase("haproxy.cfg", "10ms", Description = "the drain time is up at once")]
    [TestCase("haproxy-fail-open.cfg", "10ms")]
    public async Task Haproxy_StopInTheMiddleOfEverything_LeavesNobodyWithoutAnAnswer(string file, string drain)
    {
        const int Clients = 24;
        await using var agent = Marking();
        var answers = agent.Answers;
        agent.Answers = async (message, cancellationToken) =>
        {
            await (message is ResponseHeadersEvent ? Task.Delay(SlowAnswer, TimeProvider.System, cancellationToken) : Task.CompletedTask);
            return await answers(message, cancellationToken);
        };
        await using var stack = await HaproxyStack.StartAsync(
            agent, file: file, patient: false, listenKeys: ",budget=50s",
            daemonFlags: ["--exchange-expiry", "2s", .. drain.Length == 0 ? (string[])[] : ["--drain-timeout", drain]]);
        var (answered, isOver) = (0, false);
        var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref isOver))
            {
                await RawHttp.SendAsync(stack.Port, "GET /load HTTP/1.1").WaitAsync(ProxysTimeout, TimeProvider.System);
                Interlocked.Increment(ref answered);
            }
        })).ToArray();
        await Eventually.TrueAsync(() => Volatile.Read(ref answered) >= 10 * Clients, TimeSpan.FromSeconds(120), "requests that are answered");

        await stack.Daemon.SignalAsync("-TERM");
        await stack.Daemon.WaitForExitAsync();
        Volatile.Write(ref isOver, true);

        Assert.That(async () => await Task.WhenAll(clients), Throws.Nothing);
    }

    [Test]
    public async Task Haproxy_VerdictThatNobodyWaitedFor_IsNeverInspected()
    {
        await using var agent = Marking();
        await using var stack = await HaproxyStack.StartAsync(
            agent, file: "haproxy-fail-open.cfg", patient: false, listenKeys: ",budget=50s", daemonFlags: ["--exchange-expiry", "1s"]);
        var before = await stack.MetricAsync("sidecar_exchanges_total", "state=\"inspected\"");
        await stack.Daemon.FreezeAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => RawHttp.SendAsync(stack.Port, "GET /frozen HTTP/1.1")));
        Assert.That(answers.Select(static answer => (answer.Status, answer.Header(Mark))), Is.All.EqualTo((200, "")), "they pass, as the operator wants it");

        await stack.Daemon.SignalAsync("-CONT");

        await Eventually.TrueAsync(
            async () => await stack.MetricAsync("sidecar_exchanges_open") == 0 && await stack.MetricAsync("sidecar_exchanges_received_total") > before,
            TimeSpan.FromSeconds(60),
            "the end of all exchanges");
        Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"inspected\""), Is.EqualTo(before));
    }

    [TestCase(NginxScript.Lua)]
    [TestCase(NginxScript.Njs)]
    public async Task Nginx_StopLosesNoResponseThatIsStillToCome(NginxScript script)
    {
        await using var agent = Marking();
        await using var stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { Agent = agent });
        var waiting = await UnderWayAsync(stack.Port, "/whole/held", stack.Origin);

        await stack.Daemon.SignalAsync("-TERM");
        await stack.Daemon.WaitForAsync("exchanges await their response");
        var late = await RawHttp.SendAsync(stack.Port, "GET /whole/late HTTP/1.1");
        await stack.EndedAsync("refused", "shutting-down", 1);
        stack.Origin.Release();

        await InspectedAsync(waiting, agent);
        Assert.That(late.Status, Is.EqualTo(503));
        Assert.That(await stack.Daemon.WaitForExitAsync(), Is.Zero);
    }

    [TestCase(NginxScript.Lua)]
    [TestCase(NginxScript.Njs)]
    public async Task Nginx_TakeoverLosesNoResponse_AndThePredecessorEndsByItself(NginxScript script)
    {
        await using var agent = Marking();
        await using var stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { Agent = agent });
        var waiting = await UnderWayAsync(stack.Port, "/whole/held", stack.Origin);

        await using var old = await stack.TakeOverAsync();
        await old.WaitForAsync("this daemon ends by itself");
        var next = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RawHttp.SendAsync(stack.Port, "GET /whole/next HTTP/1.1")));
        Assert.That(old.HasExited, Is.False, "it waits for its responses");
        stack.Origin.Release();

        await InspectedAsync(waiting, agent);
        Assert.That(next.Select(static answer => (answer.Status, answer.Header(Mark))), Is.All.EqualTo((200, "seen")));
        Assert.That(await old.WaitForExitAsync(), Is.Zero);
        Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\""), Is.Zero);
    }

    // Marks the responses that it has seen, and no others.
    private static LambdaAgent Marking() => new("demo")
    {
        Supports = EventSet.RequestHeaders | EventSet.ResponseHeaders,
        MaxConcurrency = 1000,
        Answers = static (message, _) => new(
            message is ResponseHeadersEvent ? AgentResponse.Allow with { ResponseHeaders = [HeaderOperation.Set(Mark, "seen")] } : AgentResponse.Allow),
    };

    private static bool Accepts(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int Asked(LambdaAgent agent) => agent.Seen.OfType<ResponseHeadersEvent>().Count();

    private static async Task<Task<RawAnswer>[]> UnderWayAsync(int port, string path, OriginServer origin)
    {
        var before = origin.Requests;
        var waiting = Enumerable.Range(0, Requests).Select(_ => RawHttp.SendAsync(port, $"GET {path} HTTP/1.1")).ToArray();
        await Eventually.TrueAsync(() => origin.Requests >= before + Requests, TimeSpan.FromSeconds(120), "all requests at the upstream");
        return waiting;
    }

    private static async Task InspectedAsync(Task<RawAnswer>[] waiting, LambdaAgent agent)
    {
        var answers = await Task.WhenAll(waiting);
        Assert.That(answers.Select(static answer => (answer.Status, answer.Header(Mark))), Is.All.EqualTo((200, "seen")));
        Assert.That(Asked(agent), Is.GreaterThanOrEqualTo(Requests));
    }
}
