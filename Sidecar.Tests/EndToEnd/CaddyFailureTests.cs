using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>An agent or a daemon that is not there behind a real Caddy: nothing passes uninspected unless the operator said so.</summary>
[Category("EndToEnd")]
internal sealed class CaddyFailureTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [TestCase(CaddySetup.Ready)]
    [TestCase(CaddySetup.FailOpen, Description = "a daemon that answers has the last word")]
    [TestCase(CaddySetup.ShortForm)]
    public async Task AbsentAgent_FailureModeClosed_Answers503(CaddySetup setup)
    {
        await using var stack = await CaddyStack.StartAsync(setup, withAgent: false);

        var answer = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(503));
            Assert.That(answer.Body, Does.Not.Contain("inspection unavailable"), "the daemon's page, not Caddy's");
            Assert.That(stack.Origin.Requests, Is.Zero);
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"agent-absent\""), Is.EqualTo(1));
        }
    }

    [TestCase(CaddySetup.Ready)]
    [TestCase(CaddySetup.ShortForm)]
    public async Task AbsentAgent_FailureModeOpen_PassesCountedAndMarked(CaddySetup setup)
    {
        await using var stack = await CaddyStack.StartAsync(setup, withAgent: false, agentKeys: ",failure-mode=open");

        var answer = await RawHttp.SendAsync(stack.Port, "GET /attack HTTP/1.1", "X-Sidecar-Bypassed: no");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Body, Does.Contain("\"X-Sidecar-Bypassed\":\"agent-absent\""), "the upstream can see it");
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"bypassed\"", "cause=\"agent-absent\""), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task AnswerThatIsNotTheSidecars_IsNoAllow()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var caddy = await CaddyServer.StartAsync(
            "/nowhere", origin.Port, change: text => text.Replace("unix//nowhere", $"127.0.0.1:{origin.Port}", StringComparison.Ordinal));

        await RawHttp.SendAsync(caddy.Port, "GET /hello HTTP/1.1");

        Assert.That(origin.Requests, Is.EqualTo(1), "the question that lost its way, and not the request");
    }

    [Test]
    public async Task ReadyConfiguration_KeepsNoConnectionForQuestions()
    {
        // What an open connection leads to is a matter of time in Caddy 2.6; the storms show it, one run in many.
        var text = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "caddy", "Caddyfile"));

        Assert.That(text.Split("reverse_proxy unix//run/sidecar/http.sock")[1], Does.Match(@"(?m)^\t+keepalive off$"));
    }

    [TestCase(CaddySetup.Ready, 503)]
    [TestCase(CaddySetup.ShortForm, 502)]
    public async Task AbsentDaemon_FailsClosed(CaddySetup setup, int status)
    {
        await using var stack = await CaddyStack.StartAsync(setup);
        Assert.That(await stack.Daemon.StopAsync(), Is.Zero);

        var answer = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(answer.Body, setup == CaddySetup.Ready ? Is.EqualTo("inspection unavailable") : Is.Empty);
        Assert.That(stack.Origin.Requests, Is.Zero);
    }

    [Test]
    public async Task AbsentDaemon_PassesMarkedAndLoggedByTheFailOpenSnippet()
    {
        await using var stack = await CaddyStack.StartAsync(CaddySetup.FailOpen);
        await stack.Daemon.StopAsync();

        var answer = await RawHttp.SendAsync(
            stack.Port, "POST /hello?unseen HTTP/1.1", "X-User: mallory", "X-Sidecar-Bypassed: no", "X_Sidecar_Id: forged", "Content-Length: 4",
            "Connection: close", "", "body");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(
                answer.Body,
                Does.Contain("\"X-Sidecar-Bypassed\":\"sidecar-unavailable\"").And.Contain("\":body\":\"body\"").And.Contain("\":target\":\"/hello?unseen\""));
            Assert.That(answer.Body, Does.Not.Contain("mallory").And.Not.Contain("forged"));
        }

        await Eventually.TrueAsync(
            () => stack.Caddy.ErrorLog.Split('\n').Any(
                static line => line.Contains("/hello?unseen", StringComparison.Ordinal) && line.Contains("dial unix", StringComparison.Ordinal)),
            Limit, "the error log names the request");
    }

    [TestCase(CaddySetup.Ready)]
    [TestCase(CaddySetup.FailOpen)]
    public async Task AbsentOrigin_IsNotTakenForTheSidecar(CaddySetup setup)
    {
        await using var stack = await CaddyStack.StartAsync(setup);
        await stack.Origin.DisposeAsync();

        var answer = await RawHttp.SendAsync(stack.Port, "GET /hello HTTP/1.1");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((502, "502 Bad Gateway")));
    }
}
