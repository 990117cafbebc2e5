using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Agents that are absent or slow, and a daemon that is gone or hangs, behind nginx with a script: nothing passes uninspected unless the operator
/// said so.
/// </summary>
[TestFixture(NginxScript.Lua)]
[TestFixture(NginxScript.Njs)]
[Category("EndToEnd")]
internal sealed class NginxScriptFailureTests(NginxScript script)
{
    [Test]
    public async Task AbsentAgent_FailureModeClosed_Answers503()
    {
        await using var stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { HasAgent = false, FailsOpen = true });

        var answer = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");
        var body = await RawHttp.SendBodyAsync(stack.Port, "POST /hello HTTP/1.1", "x");
        var whole = await RawHttp.SendAsync(stack.Port, "GET /whole/hello HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, body.Status, whole.Status), Is.EqualTo((503, 503, 503)), "a daemon that answers has the last word");
            Assert.That(answer.Body, Does.Not.Contain("inspection unavailable"), "the daemon's page, not the script's");
            Assert.That(stack.Origin.Requests, Is.Zero);
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"agent-absent\""), Is.EqualTo(3));
        }
    }

    [TestCase("/hello")]
    [TestCase("/whole/hello")]
    public async Task AbsentAgent_FailureModeOpen_PassesCountedAndMarked(string path)
    {
        await using var stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { HasAgent = false, AgentKeys = ",failure-mode=open" });

        var answer = await RawHttp.SendBodyAsync(
            stack.Port, $"POST {path} HTTP/1.1", ScriptStack.Attack, headers: ["X-User: mallory", "X-Sidecar-Bypassed: no", "X-Sidecar-Id: forged"]);

        var seen = ScriptStack.Seen(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, seen["X-Sidecar-Bypassed"], seen[":body"]), Is.EqualTo((200, "agent-absent", ScriptStack.Attack)));
            Assert.That(answer.Body, Does.Not.Contain("mallory").And.Not.Contain("forged"));
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"bypassed\"", "cause=\"agent-absent\""), Is.EqualTo(1));
        }

        await stack.LoggedAsync(path, "\"bypassed\":\"agent-absent\"");
    }

    [TestCase("closed", 504)]
    [TestCase("open", 200)]
    public async Task SlowAgent_FollowsItsFailureMode(string mode, int status)
    {
        await using var agent = new LambdaAgent("demo") { Answers = NeverAsync };
        await using var stack = await ScriptStack.StartAsync(
            script, new ScriptStackSetup { Agent = agent, AgentKeys = $",failure-mode={mode}", AgentTimeout = "200ms" });

        var answer = await RawHttp.SendBodyAsync(stack.Port, "POST /hello HTTP/1.1", "x");

        Assert.That((answer.Status, stack.Origin.Requests), Is.EqualTo((status, mode == "open" ? 1 : 0)));
        if (mode == "open")
        {
            Assert.That(ScriptStack.Seen(answer)["X-Sidecar-Bypassed"], Is.EqualTo("timeout"));
        }
    }

    [TestCase("/hello")]
    [TestCase("/whole/hello")]
    public async Task AbsentDaemon_FailsClosed(string path)
    {
        await using var stack = await ScriptStack.StartAsync(script);
        await RawHttp.SendAsync(stack.Port, $"GET {path} HTTP/1.1");
        Assert.That(await stack.Daemon.StopAsync(), Is.Zero, "nothing of a script keeps it from stopping");

        var answer = await RawHttp.SendBodyAsync(stack.Port, $"POST {path} HTTP/1.1", "x");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((503, "inspection unavailable\n")));
        Assert.That(stack.Origin.Requests, Is.EqualTo(1));
    }

    [TestCase("/hello")]
    [TestCase("/whole/hello")]
    public async Task AbsentDaemon_PassesMarkedAndLoggedWhereTheScriptFailsOpen(string path)
    {
        await using var stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { FailsOpen = true });
        await stack.Daemon.StopAsync();

        var answer = await RawHttp.SendBodyAsync(
            stack.Port, $"POST {path} HTTP/1.1", "body", headers: ["X-User: mallory", "X-Sidecar-Bypassed: no", "X-Sidecar-Id: forged"]);

        var seen = ScriptStack.Seen(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, seen["X-Sidecar-Bypassed"], seen[":body"]), Is.EqualTo((200, "sidecar-unavailable", "body")));
            Assert.That(answer.Body, Does.Not.Contain("mallory").And.Not.Contain("forged"));
        }

        await stack.LoggedAsync(path, "\"bypassed\":\"sidecar-unavailable\"");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task FrozenDaemon_IsGivenUpAfterTheScriptsOwnTimeout(bool failsOpen)
    {
        await using var stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { IsPatient = false, FailsOpen = failsOpen });
        await stack.Daemon.FreezeAsync();

        var answer = await RawHttp.SendBodyAsync(stack.Port, "POST /hello HTTP/1.1", "x");

        Assert.That((answer.Status, stack.Origin.Requests), Is.EqualTo((failsOpen ? 200 : 503, failsOpen ? 1 : 0)));
    }

    [Test]
    public async Task HeadBeyondWhatTheDaemonTakes_NeverOpens()
    {
        // A client could send it, so it must not be a way around the inspection.
        await using var stack = await ScriptStack.StartAsync(
            script, new ScriptStackSetup { FailsOpen = true, Http = "    large_client_header_buffers 8 512k;\n    client_header_buffer_size 512k;" });

        var answer = await RawHttp.SendAsync(
            stack.Port, "GET /hello HTTP/1.1", Enumerable.Range(0, 6).Select(static i => $"X-{i}: {new string('"', 400_000)}"));

        Assert.That((answer.Status, stack.Origin.Requests), Is.EqualTo((503, 0)));
        Assert.That(stack.Nginx.ErrorLog, Does.Contain("are taken at most"));
    }

    private static async ValueTask<AgentResponse> NeverAsync(AgentEvent message, CancellationToken cancellation)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        return AgentResponse.Allow;
    }
}
