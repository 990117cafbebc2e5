using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What stands in nginx's http {} and server {} for other purposes takes no request past the agents.</summary>
[TestFixture(ProxySetup.NginxAuthRequest)]
[TestFixture(ProxySetup.NginxLua)]
[TestFixture(ProxySetup.NginxNjs)]
[Category("EndToEnd")]
internal sealed class NginxInheritanceTests(ProxySetup proxy)
{
    private const string Http = """
            proxy_cache_path     cache keys_zone=z:1m;
            proxy_cache          z;
            proxy_cache_valid    any 1m;
            proxy_cache_methods  GET HEAD POST;
            proxy_ignore_headers Cache-Control;
            proxy_intercept_errors on;
            proxy_method         PUT;
            proxy_bind           127.0.0.1;
            proxy_next_upstream  http_403 http_503 error timeout;
            proxy_hide_header    X-Sidecar-Action;
            proxy_hide_header    X-Sidecar-Reply;
            proxy_pass_request_headers off;
            ssi on;
            gzip on;
            gzip_types *;
        """;

    private const string Server = """
                satisfy any;
                allow   127.0.0.1;
                deny    all;
                error_page 403 404         =200 /oops;
                error_page 500 502 503 504 =200 /oops;
                location = /oops   { return 200 oops; }
                mirror  /mirror;
                location = /mirror { internal; return 204; }
                rewrite ^/_sidecar/ /open last;
                location = /open   { return 204; }
        """;

    // What the operator would say for his own upstream, beside our includes.
    private const string Restored = "proxy_cache off; proxy_method $request_method; proxy_pass_request_headers on; proxy_bind off; ";

    private WatchedStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _stack = await WatchedStack.StartAsync(
            proxy, Http, Server, static text => Regex.Replace(text, "(?=proxy_pass +http://origin)", Restored, RegexOptions.None, TimeSpan.FromSeconds(10)));
        _stack.Agent.Answers = static (message, _) => new(
            message is RequestHeadersEvent { Uri: var uri } && uri.Contains("attack", StringComparison.Ordinal)
                ? Answer.Block(418).WithBody("no entry")
                : AgentResponse.Allow);
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    [Order(1)]
    public async Task EveryRequest_IsAskedAbout()
    {
        foreach (var line in (string[])["GET /c", "GET /c", "DELETE /c", "GET /other?x=1"])
        {
            var asked = Asked();

            var answer = await RawHttp.SendAsync(_stack.Port, $"{line} HTTP/1.1", "X-Payload: jndi");

            Assert.That((answer.Status, Asked()), Is.EqualTo((200, asked + 1)), line);
            Assert.That((_stack.Last().Method + " " + _stack.Last().Uri, _stack.Last().Headers.Get("x-payload")), Is.EqualTo((line, "jndi")));
        }
    }

    [Test]
    [Order(2)]
    public async Task WhatIsRefused_StaysRefused()
    {
        foreach (var line in (string[])["GET /c", "GET /attack", "GET /c", "DELETE /attack"])
        {
            var asked = _stack.Origin.Requests;

            var answer = await RawHttp.SendAsync(_stack.Port, $"{line} HTTP/1.1");

            var isAttack = line.Contains("attack", StringComparison.Ordinal);
            Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((isAttack ? 418 : 200, asked + (isAttack ? 0 : 1))), line);
            Assert.That(answer.Body.Trim(), isAttack ? Is.EqualTo("no entry") : Does.Not.Contain("oops"));
        }
    }

    [Test]
    [Order(3)]
    public async Task Subrequest_DoesNotReachTheUpstreamUnasked()
    {
        var asked = _stack.Origin.Requests;

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /ssi HTTP/1.1");

        Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((200, asked + 1)), "the page, and nothing that it includes");
    }

    [Test]
    [Order(4)]
    public async Task RedirectOfTheUpstreams_DoesNotReachTheUpstreamUnasked()
    {
        var asked = _stack.Origin.Requests;

        await RawHttp.SendAsync(_stack.Port, "GET /accel HTTP/1.1");

        Assert.That(_stack.Origin.Requests, Is.EqualTo(asked + 1));
    }

    [Test]
    [Order(5)]
    public async Task WithoutTheSidecar_NothingPasses()
    {
        await _stack.Daemon.StopAsync();
        var asked = _stack.Origin.Requests;

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1");

        Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((503, asked)));
    }

    private int Asked() => _stack.Agent.Seen.OfType<RequestHeadersEvent>().Count();
}
