using System.Net;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Agents that are absent, die or come back, and a daemon that is not there: nothing passes uninspected unless the operator said so.</summary>
[Category("EndToEnd")]
internal sealed class NginxFailureTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Test]
    public async Task AbsentAgent_FailureModeClosed_Answers503()
    {
        await using var stack = await Stack.StartAsync(withAgent: false);

        var answer = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(503));
            Assert.That(stack.Origin.Requests, Is.Zero);
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"agent-absent\""), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task AbsentAgent_FailureModeOpen_PassesCountedAndMarked()
    {
        await using var stack = await Stack.StartAsync(withAgent: false, agentKeys: ",failure-mode=open");

        var answer = await RawHttp.SendAsync(stack.Port, "GET /attack HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Body, Does.Contain("\"X-Sidecar-Bypassed\":\"agent-absent\""), "the upstream can see it");
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"bypassed\"", "cause=\"agent-absent\""), Is.EqualTo(1));
            Assert.That(await stack.MetricAsync("sidecar_agent_exchanges_total", "agent=\"demo\"", "state=\"bypassed\""), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task AgentKilledInTheMiddleOfACall_FailsAtOnceAndIsUsedAgainAfterItsRestart()
    {
        await using var stack = await Stack.StartAsync(agentKeys: ",timeout=50s", agentFlags: ["--delay", "40s"]);

        var asked = RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");
        await Eventually.TrueAsync(
            async () => await stack.MetricAsync("sidecar_agent_in_flight_requests", "agent=\"demo\"") == 1, Limit, "the call is at the agent");
        await stack.Agent!.KillAsync();
        var killed = await asked;
        await stack.RestartAgentAsync();
        await stack.Daemon.WaitForAsync("agent demo is reachable");
        var after = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(killed.Status, Is.EqualTo(503), "the crash fails the call; a timeout would be 504 and come a minute later");
            Assert.That(await stack.MetricAsync("sidecar_agent_calls_total", "outcome=\"ConnectionLost\""), Is.GreaterThanOrEqualTo(1));
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\""), Is.EqualTo(1));
            Assert.That(after.Status, Is.EqualTo(200));
            Assert.That(after.Body, Does.Contain("\"X-User\":\"alice\""), "inspected by the new process");
        }
    }

    [Test]
    public async Task AbsentDaemon_FailsClosedByTheReadyConfiguration()
    {
        await using var stack = await Stack.StartAsync();
        Assert.That(await stack.Daemon.StopAsync(), Is.Zero, "SIGTERM ends with exit code 0");

        var answer = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((503, "inspection unavailable\n")));
        Assert.That(stack.Origin.Requests, Is.Zero);
    }

    [Test]
    public async Task AbsentDaemon_PassesMarkedByTheFailOpenConfiguration()
    {
        await using var stack = await Stack.StartAsync(failOpenNginx: true);
        await stack.Daemon.StopAsync();

        var answer = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1", "X-User: mallory", "X-Sidecar-Bypassed: no");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Body, Does.Contain("\"X-Sidecar-Bypassed\":\"sidecar-unavailable\""));
            Assert.That(answer.Body, Does.Not.Contain("mallory"));
        }
    }

    /// <summary>10,000 requests from 64 clients while the agent is killed and restarted five times, scaled by SIDECAR_TEST_SCALE.</summary>
    [Test]
    public async Task Storm_WhileTheAgentDiesFiveTimes_LetsNothingThroughAndAccountsForEverything()
    {
        var requests = 10_000 * Math.Max(
            1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", System.Globalization.CultureInfo.InvariantCulture));
        await using var stack = await Stack.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 })
        {
            Timeout = Limit,
            BaseAddress = new Uri(
            $"http://127.0.0.1:{stack.Port}")
        };
        var next = 0;
        var statuses = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        var uninspected = 0;

        async Task ClientAsync()
        {
            while (Interlocked.Increment(ref next) <= requests)
            {
                using var answer = await client.GetAsync(new Uri("/hello", UriKind.Relative));
                statuses.AddOrUpdate((int)answer.StatusCode, 1, static (_, count) => count + 1);
                if (answer.StatusCode == HttpStatusCode.OK && !(await answer.Content.ReadAsStringAsync())
                    .Contains("\"X-User\":\"alice\"", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref uninspected);
                }
            }
        }

        var clients = Enumerable.Range(0, 64).Select(_ => Task.Run(ClientAsync)).ToArray();
        for (var death = 1; death <= 5; death++)
        {
            var at = requests * death / 6;
            await Eventually.TrueAsync(() => Volatile.Read(ref next) >= at, Limit * 5, $"{at} requests");
            await stack.Agent!.KillAsync();
            await stack.RestartAgentAsync();
        }

        await Task.WhenAll(clients).WaitAsync(Limit * 5, TimeProvider.System);

        var received = await stack.MetricAsync("sidecar_exchanges_received_total");
        TestContext.Out.WriteLine(string.Join(", ", statuses.OrderBy(static pair => pair.Key).Select(static pair => $"{pair.Key}: {pair.Value}")));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(uninspected, Is.Zero, "a 200 without the agent's header was not inspected");
            Assert.That(statuses.Keys, Is.SubsetOf([200, 503, 504]));
            Assert.That(statuses.Values.Sum(), Is.EqualTo(requests), "none hangs, none is lost");
            Assert.That(statuses.GetValueOrDefault(200), Is.EqualTo(stack.Origin.Requests));
            Assert.That(received, Is.EqualTo(requests), "every request reached the daemon");
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total"), Is.EqualTo(received), "each is accounted once");
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"inspected\""), Is.EqualTo(statuses.GetValueOrDefault(200)));
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"bypassed\""), Is.Zero);
            Assert.That(await stack.MetricAsync("sidecar_exchanges_open"), Is.Zero);
        }
    }
}
