using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What nginx refuses by itself beside the sidecar keeps its own answer, and its log names what the sidecar decided.</summary>
[Category("EndToEnd")]
internal sealed class NginxOwnAnswerTests
{
    private Stack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await Stack.StartAsync(locations: """
                location /closed {
                    include sidecar-protect.conf;
                    deny all;
                    proxy_pass http://origin;
                }
                location /limited {
                    include sidecar-protect.conf;
                    limit_req zone=one;
                    proxy_pass http://origin;
                }
                location /dead {
                    include sidecar-protect.conf;
                    proxy_pass http://127.0.0.1:9;
                }
        """, http: "    limit_req_zone $remote_addr zone=one:1m rate=1r/m;");

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    public async Task DenyAll_KeepsItsOwnAnswer()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /closed HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(403));
        Assert.That(answer.Body, Does.Contain("<center>nginx</center>"));
    }

    [Test]
    public async Task LimitReq_KeepsItsOwnAnswer()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /limited HTTP/1.1");

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /limited HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(503));
        Assert.That(answer.Body, Does.Contain("<center>nginx</center>"), "not the page of the sidecar");
    }

    [Test]
    public async Task DeadOrigin_KeepsItsOwnAnswer()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /dead HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(502));
        Assert.That(answer.Body, Does.Contain("<center>nginx</center>"));
    }

    [Test]
    public async Task AccessLog_NamesDecisionAndId()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /teapot?log HTTP/1.1");

        await Support.Eventually.TrueAsync(
            () => _stack.Nginx.AccessLog.Split('\n').Any(
                static line => line.Contains("/teapot?log", StringComparison.Ordinal) && line.Contains("\"action\":\"block\"", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(60), "the access log names the decision");
    }
}
