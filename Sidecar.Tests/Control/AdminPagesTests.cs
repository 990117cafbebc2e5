using System.Net;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Daemon.Cli.Admin;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Control;

/// <summary>What the admin listener answers, over a real socket.</summary>
public sealed class AdminPagesTests
{
    [Test]
    public async Task Agents_ShowsEveryConnectionWithItsCountsAndLatency()
    {
        await using var agent = new LambdaAgent("waf");
        await using var absent = new LambdaAgent("bot") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        await using var admin = await AdminHarness.StartAsync(agent, absent);
        await admin.Inside.Client.AskAsync(Events.Request("x", "/"));

        var agents = (await admin.JsonAsync("/agents")).GetProperty("agents");
        var waf = agents[0];
        var version = waf.GetProperty("versions")[0];
        var connection = version.GetProperty("connections")[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(agents.GetArrayLength(), Is.EqualTo(2));
            Assert.That(waf.GetProperty("id").GetString(), Is.EqualTo("waf"));
            Assert.That(waf.GetProperty("state").GetString(), Is.EqualTo("available"));
            Assert.That(waf.GetProperty("held_body_limit").GetInt64(), Is.Positive);
            Assert.That(version.GetProperty("breaker").GetString(), Is.EqualTo("closed"));
            Assert.That(version.GetProperty("open_exchanges").GetInt32(), Is.EqualTo(1));
            Assert.That(version.GetProperty("calls").GetProperty("answered").GetInt32(), Is.EqualTo(1));
            Assert.That(connection.GetProperty("state").GetString(), Is.EqualTo("open"));
            Assert.That(connection.GetProperty("dialect").GetString(), Is.EqualTo("native"));
            Assert.That(connection.GetProperty("encoding").GetString(), Is.EqualTo(ProtocolConstants.MessagePack));
            Assert.That(connection.GetProperty("calls").GetProperty("answered").GetInt32(), Is.EqualTo(1));
            Assert.That(connection.GetProperty("latency").GetProperty("p99_ms").GetDouble(), Is.Positive);
            Assert.That(agents[1].GetProperty("versions")[0].GetProperty("connections").GetArrayLength(), Is.Zero);
        }
    }

    [Test]
    public async Task CountsOfConnectionsThatEnded_StayWithTheirAgent()
    {
        await using var agent = new LambdaAgent("waf");
        await using var admin = await AdminHarness.StartAsync(agent);
        await admin.Inside.Client.AskAsync(Events.Request("x", "/"));
        var before = admin.Inside.ConnectionsOf("waf")[0];
        admin.Inside.Crash("waf");
        await Eventually.TrueAsync(() => admin.Inside.ConnectionsOf("waf") is [var now] && now != before, TimeSpan.FromSeconds(30), "another connection");
        Assert.That((await admin.JsonAsync("/agents")).GetProperty("agents")[0].GetProperty("versions")[0].GetProperty("calls").GetProperty("answered").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public async Task Sessions_AreAsLongAsTheConfiguration_WithTenThousandExchangesOpen()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf") { IsAbsent = true });
        var inspector = admin.Inside.Inspector;
        var open = Enumerable.Range(0, 10_000).Select(i => inspector.Begin(i % 2 == 0 ? "http:a" : "http:b", "example.org", "/", "GET")).ToList();

        var text = await admin.TextAsync("/sessions");
        var status = await admin.JsonAsync("/status");
        Assert.That(text, Has.Length.LessThan(2000));
        Assert.That(status.GetProperty("exchanges").GetProperty("open").GetInt32(), Is.EqualTo(10_000));
        Assert.That((await admin.TextAsync("/agents")).Length, Is.LessThan(2000));
        var rows = JsonSerializer.Deserialize<JsonElement>(text).GetProperty("exchanges");
        Assert.That(
            rows.EnumerateArray().Select(
                static row => (row.GetProperty("listener").GetString(), row.GetProperty("route").GetString(), row.GetProperty("exchanges").GetProperty("open").GetInt32())),
            Is.EqualTo(new[] { ("http:a", "all", 5000), ("http:b", "all", 5000) }));

        open.ForEach(exchange => inspector.End(exchange));
        var after = (await admin.JsonAsync("/status")).GetProperty("exchanges");
        Assert.That((after.GetProperty("open").GetInt32(), after.GetProperty("not_subject").GetInt32(), after.GetProperty("received").GetInt32()), Is.EqualTo((0, 10_000, 10_000)));
        Assert.That(admin.Inside.StateOf("waf").Current.OpenExchanges, Is.Zero);
    }

    [Test]
    public async Task Status_NamesTheDaemonAndWarnsOfWhatIsWrong()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf") { IsAbsent = true });
        await admin.Inside.Client.AskAsync(Events.Request("x", "/"));
        var status = await admin.JsonAsync("/status");
        Assert.That((status.GetProperty("daemon").GetString(), status.GetProperty("version").GetString()), Is.EqualTo(("sidecar", DaemonVersion.Text)));
        Assert.That(status.GetProperty("pid").GetInt32(), Is.EqualTo(Environment.ProcessId));
        Assert.That(status.GetProperty("listeners")[0].GetProperty("kind").GetString(), Is.EqualTo("native"));
        Assert.That(status.GetProperty("warnings")[0].GetString(), Does.StartWith("agent waf is ").And.EndsWith("; what it should inspect is refused"));
    }

    // An operator who names nothing is shown where to look before a body has passed unseen.
    [Test]
    public async Task AnAgentThatStatesHeadersOnly_IsWarnedOf_WhereverPeopleLook()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf") { Supports = EventSet.RequestHeaders }, new LambdaAgent("bot"));
        const string Text = "agent waf states request headers only: bodies and responses pass it by; agents built on published SDKs state no more even where they handle all, so name its events: events=all, or those it is for";
        var agents = await admin.JsonAsync("/agents");
        var status = await admin.JsonAsync("/status");
        Assert.That(
            agents.GetProperty("agents").EnumerateArray().Select(static agent => string.Join('|', agent.GetProperty("warnings").EnumerateArray())),
            Is.EqualTo(new[] { Text, "" }));
        Assert.That(status.GetProperty("warnings").EnumerateArray().Select(static warning => warning.GetString()), Is.EqualTo(new[] { Text }));
        Assert.That(AgentsCommand.Write(agents.Deserialize(AdminJson.Default.AgentsDocument)!), Does.StartWith($"! {Text}\nAGENT "));
        Assert.That(StatusCommand.Write(status.Deserialize(AdminJson.Default.StatusDocument)!), Does.Contain($"\n! {Text}\n"));
    }

    [Test]
    public async Task Metrics_AreOursAndThoseOfAgents_OnOneWellFormedPage()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf"));
        admin.Reports.Take("waf", "1", null, new MetricsReport { Counters = [new CounterMetric { Name = "rules_total", Value = 7 }] });
        var page = new PrometheusPage(await admin.TextAsync("/metrics"));
        Assert.That(page.Samples["rules_total{agent=\"waf\",agent_version=\"1\"}"], Is.EqualTo(7));
        Assert.That(page.Types, Does.ContainKey("sidecar_metrics_anomalies_total"));
    }

    // The reference kept these and exported none; most of its gauges were never set.
    [Test]
    public async Task Defect34_MetricsOfTheProtocol_AreThereAndMove()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf"));
        await admin.Inside.Client.AskAsync(Events.Request("x", "/"));
        var pool = admin.Inside.StateOf("waf").Current.Pool;
        pool.OnFlowControl(pool.Live[0].Connection, new FlowControlSignal { Action = FlowAction.Pause });
        await admin.Inside.Client.AskAsync(Events.Request("y", "/"));
        var page = new PrometheusPage(await admin.TextAsync("/metrics"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(page.Samples["sidecar_agent_requests_total{agent=\"waf\",event=\"request_headers\",version=\"1\"}"], Is.EqualTo(1));
            Assert.That(page.Samples["sidecar_agent_responses_total{agent=\"waf\",version=\"1\"}"], Is.EqualTo(1));
            Assert.That(page.Samples["sidecar_agent_flow_control_rejections_total{agent=\"waf\",version=\"1\"}"], Is.EqualTo(1));
            Assert.That(page.Samples["sidecar_agent_request_duration_seconds_count{agent=\"waf\",event=\"request_headers\",version=\"1\"}"], Is.EqualTo(2));
            Assert.That(page.Samples["sidecar_agent_connections{agent=\"waf\",version=\"1\"}"], Is.EqualTo(1));
            Assert.That(page.Samples["sidecar_agent_healthy_connections{agent=\"waf\",version=\"1\"}"], Is.Zero);
            Assert.That(page.Samples["sidecar_agent_paused_connections{agent=\"waf\",version=\"1\"}"], Is.EqualTo(1));
            Assert.That(page.Samples["sidecar_agent_in_flight_requests{agent=\"waf\",version=\"1\"}"], Is.Zero);
            Assert.That(page.Samples["sidecar_agent_buffer_utilization_percent{agent=\"waf\",version=\"1\"}"], Is.Zero);
        }
    }

    [Test]
    public async Task StickySessions_AreCountedListedAndCleared()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf"));
        var pool = admin.Inside.StateOf("waf").Current.Pool;
        var keys = Enumerable.Range(0, StickyEndpoint.PageSize + 2).Select(static i => StickyKey.Of("cookie:sid", $"{i}")).ToList();
        keys.ForEach(key => pool.Sticky.Use(key, pool.Live[0]));

        var counts = (await admin.JsonAsync("/sessions")).GetProperty("sticky")[0];
        var listed = await admin.JsonAsync("/sessions/waf");
        Assert.That((counts.GetProperty("agent").GetString(), counts.GetProperty("live").GetInt32()), Is.EqualTo(("waf", keys.Count)));
        Assert.That(listed.GetProperty("sessions").GetArrayLength(), Is.EqualTo(StickyEndpoint.PageSize));
        Assert.That(listed.GetProperty("sessions")[0].GetProperty("key").GetString(), Is.EqualTo($"{keys[^1]}"), "the one used last");
        Assert.That(listed.GetProperty("sessions")[0].GetProperty("connection").GetString(), Is.EqualTo(pool.Live[0].Connection.Id));

        var one = await admin.SendAsync(HttpMethod.Delete, $"/sessions/waf/{keys[0]}");
        var again = await admin.SendAsync(HttpMethod.Delete, $"/sessions/waf/{keys[0]}");
        var all = await admin.SendAsync(HttpMethod.Delete, "/sessions/waf");
        Assert.That((one.Status, again.Status, all.Status), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.OK)));
        Assert.That(JsonSerializer.Deserialize<JsonElement>(all.Said).GetProperty("cleared").GetInt32(), Is.EqualTo(keys.Count - 1));
        Assert.That(pool.Sticky.Count, Is.Zero);
        var page = new PrometheusPage(await admin.TextAsync("/metrics"));
        Assert.That(page.Samples["sidecar_agent_sticky_sessions{agent=\"waf\",version=\"1\"}"], Is.Zero);
        Assert.That(page.Samples["sidecar_agent_sticky_session_changes_total{agent=\"waf\",change=\"cleared\",version=\"1\"}"], Is.EqualTo(keys.Count));
    }

    [TestCase("DELETE", "/sessions/bot", HttpStatusCode.NotFound, "there is no agent bot; there are waf")]
    [TestCase("GET", "/sessions/bot", HttpStatusCode.NotFound, "there is no agent bot; there are waf")]
    [TestCase("DELETE", "/sessions", HttpStatusCode.MethodNotAllowed, "DELETE /sessions/AGENT[/KEY]")]
    [TestCase("DELETE", "/sessions/waf/abc", HttpStatusCode.BadRequest, "32 hex digits")]
    [TestCase("DELETE", "/sessions/waf/00000000000000000000000000000000", HttpStatusCode.NotFound, "agent waf has no session 0000")]
    [TestCase("GET", "/nothing", HttpStatusCode.NotFound, "there are /status, /agents")]
    [TestCase("POST", "/agents", HttpStatusCode.MethodNotAllowed, "POST is not understood")]
    [TestCase("DELETE", "/config-pushes", HttpStatusCode.MethodNotAllowed, "DELETE is not understood")]
    [TestCase("DELETE", "/agents/bot", HttpStatusCode.NotFound, "there is no agent bot; there are waf")]
    [TestCase("GET", "/config-pushes/push-9", HttpStatusCode.NotFound, "no such push")]
    [TestCase("POST", "/config-pushes", HttpStatusCode.BadRequest, "not understood", "{\"agnt\":\"waf\"}")]
    [TestCase("POST", "/config-pushes", HttpStatusCode.BadRequest, "not understood", "{")]
    [TestCase("POST", "/config-pushes", HttpStatusCode.BadRequest, "not understood", "[]")]
    [TestCase("POST", "/config-pushes", HttpStatusCode.NotFound, "there is no agent bot; there are waf", "{\"agent\":\"bot\"}")]
    [TestCase("POST", "/config-pushes", HttpStatusCode.Conflict, "agent waf has no config-file", "{\"agent\":\"waf\"}")]
    [TestCase("POST", "/config-pushes", HttpStatusCode.Conflict, "agent waf does not take configuration pushes", "{\"config\":{}}")]
    public async Task WhatCannotBeDone_IsSaidInOneLine(string method, string path, HttpStatusCode status, string error, string body = "")
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf"));
        var answer = await admin.SendAsync(new HttpMethod(method), path, body);
        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(answer.Said, Does.Contain(error));
    }

    [Test]
    public async Task ARemovedAgent_DrainsFirst_ThenIsGone_AndTheWarningStays()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf"));
        await admin.Inside.Client.AskAsync(Events.Request("x", "/"));
        var (status, said) = await admin.SendAsync(HttpMethod.Delete, "/agents/waf");
        Assert.That(status, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await admin.SendAsync(HttpMethod.Delete, "/agents/waf")).Status, Is.EqualTo(HttpStatusCode.Accepted), "asking again changes nothing");
        await Eventually.TrueAsync(
            async () => (await admin.JsonAsync("/agents")).GetProperty("agents")[0].GetProperty("state").GetString() == "removing", TimeSpan.FromSeconds(30), "the drain");
        await admin.Inside.Client.AskAsync(Events.Complete("x"));
        await Eventually.TrueAsync(async () => (await admin.JsonAsync("/agents")).GetProperty("agents").GetArrayLength() == 0, TimeSpan.FromSeconds(30), "the removal");
        Assert.That((await admin.JsonAsync("/status")).GetProperty("warnings")[0].GetString(), Does.StartWith("agent waf was removed at ").And.Contain("go on without it"));
        Assert.That((await admin.SendAsync(HttpMethod.Delete, "/agents/waf")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(said, Does.Contain("\"id\": \"waf\""));
    }

    [Test]
    public async Task ADaemonThatStops_DoesNotWaitForADrain()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf"));
        await admin.Inside.Client.AskAsync(Events.Request("x", "/"));
        admin.Removals.Start(admin.Inside.StateOf("waf"));
        await admin.Removals.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        Assert.That(admin.Inside.ConnectionsOf("waf"), Is.Empty);
        Assert.That(admin.Removals.List().Select(static one => one.Agent), Is.EqualTo(new[] { "waf" }));
    }

    [Test]
    public async Task AnOrderBeyondTheLimit_IsRefusedWithTheLimit()
    {
        await using var admin = await AdminHarness.StartAsync(new LambdaAgent("waf"));
        var answer = await UnixHttp.ExchangeAsync(admin.Socket, "POST /config-pushes HTTP/1.1\r\nHost: x\r\nContent-Length: 16777217\r\nConnection: close\r\n\r\n");
        Assert.That(answer, Does.StartWith("HTTP/1.1 413 ").And.Contain("the order is longer than 16777216 bytes"));
    }

    [Test]
    public async Task APush_HasAnIdAndCanBeAskedAbout()
    {
        await using var admin = await AdminHarness.StartAsync(LambdaAgent.That("waf", new AgentResponse { Decision = new BlockDecision(500) { Body = "no such level" } }));
        var (status, said) = await admin.SendAsync(HttpMethod.Post, "/config-pushes", "{\"agent\":\"waf\",\"config\":{\"level\":3}}");
        Assert.That(status, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(JsonSerializer.Deserialize<JsonElement>(said).GetProperty("pushes")[0].GetProperty("id").GetString(), Is.EqualTo("push-1"));
        await Eventually.TrueAsync(
            async () => (await admin.JsonAsync("/config-pushes/push-1")).GetProperty("state").GetString() == "failed", TimeSpan.FromSeconds(30), "the end of the push");
        var push = (await admin.JsonAsync("/config-pushes")).GetProperty("pushes")[0];
        Assert.That(push.GetProperty("reason").GetString(), Does.EndWith("the agent refused it: no such level"));
        Assert.That((await admin.JsonAsync("/status")).GetProperty("warnings")[0].GetString(), Does.StartWith("configuration push-1 to agent waf failed"));
    }
}
