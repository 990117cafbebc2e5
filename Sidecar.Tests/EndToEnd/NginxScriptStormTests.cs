using System.Globalization;
using System.Net;
using System.Text;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Many requests of all kinds through nginx with a script: connections to the daemon are used again, and the ledger adds up.</summary>
[TestFixture(NginxScript.Lua)]
[TestFixture(NginxScript.Njs)]
[Category("EndToEnd")]
[Category("Storm")]
internal sealed class NginxScriptStormTests(NginxScript script)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private ScriptStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await ScriptStack.StartAsync(script);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    public async Task Connections_AreUsedAgain()
    {
        for (var i = 0; i < 20; i++)
        {
            await RawHttp.SendBodyAsync(_stack.Port, "POST /hello HTTP/1.1", "x");
        }

        var before = _stack.Connections();
        for (var i = 0; i < 100; i++)
        {
            await RawHttp.SendBodyAsync(_stack.Port, i % 2 == 0 ? "POST /hello HTTP/1.1" : "POST /teapot HTTP/1.1", "x");
        }

        Assert.That(before, Is.Not.Empty);
        Assert.That(_stack.Connections(), Is.SupersetOf(before));
        Assert.That(
            _stack.Connections(), Has.Count.LessThanOrEqualTo(2 * Environment.ProcessorCount), "requests that come one after the other need one per worker");
    }

    /// <summary>1,000 requests of all kinds from 32 clients, scaled by SIDECAR_TEST_SCALE.</summary>
    [Test]
    public async Task Storm_OfAllKinds_IsAccountedToTheLast()
    {
        var requests = 1000 * Math.Max(1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 32 })
        {
            Timeout = Limit,
            BaseAddress = new Uri($"http://127.0.0.1:{_stack.Port}"),
        };
        var (received, inspected, passed) =
            (await _stack.MetricAsync("sidecar_exchanges_received_total"), await StateAsync("inspected"), _stack.Origin.Requests);
        var next = 0;
        var allowed = 0;
        List<string> wrong = [];

        async Task ClientAsync()
        {
            while (Interlocked.Increment(ref next) is var number && number <= requests)
            {
                var (request, expected) = Mixed(number);
                using (request)
                {
                    using var answer = await client.SendAsync(request);
                    var text = await answer.Content.ReadAsStringAsync();
                    var isInspected = answer.StatusCode != HttpStatusCode.OK
                        || request.Method == HttpMethod.Head
                        || text.Contains("\"X-User\":\"alice\"", StringComparison.OrdinalIgnoreCase);
                    Interlocked.Add(ref allowed, expected == 200 ? 1 : 0);
                    if ((int)answer.StatusCode != expected || !isInspected)
                    {
                        lock (wrong)
                        {
                            wrong.Add($"{number}: {(int)answer.StatusCode} instead of {expected}");
                        }
                    }
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(ClientAsync))).WaitAsync(Limit * 5, TimeProvider.System);

        var total = await _stack.MetricAsync("sidecar_exchanges_received_total");
        await Eventually.TrueAsync(async () => await _stack.MetricAsync("sidecar_exchanges_total") >= total, Limit, "the end of all exchanges");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(wrong, Is.Empty);
            Assert.That(total - received, Is.EqualTo(requests), "every request reached the daemon, once");
            Assert.That(await _stack.MetricAsync("sidecar_exchanges_total"), Is.EqualTo(total), "each is accounted once");
            Assert.That(await _stack.MetricAsync("sidecar_exchanges_open"), Is.Zero);
            Assert.That(await StateAsync("inspected") - inspected, Is.EqualTo(requests), "a block is an inspection too");
            Assert.That(_stack.Origin.Requests - passed, Is.EqualTo(allowed));
        }
    }

    private Task<long> StateAsync(string state) => _stack.MetricAsync("sidecar_exchanges_total", $"state=\"{state}\"");

    private static (HttpRequestMessage Request, int Status) Mixed(int number) => (number % 8) switch
    {
        0 => (Request("GET", "/hello"), 200),
        1 => (Request("HEAD", "/hello"), 200),
        2 => (Request("POST", "/form", new string('a', 200)), 200),
        3 => (Request("POST", "/form", new string('a', 200) + ScriptStack.Attack), 403),
        4 => (Request("POST", "/form", new string('a', 300_000)), 200),
        5 => (Request("POST", "/form", new string('a', 300_000) + ScriptStack.Attack, isChunked: true), 403),
        6 => (Request("GET", "/teapot"), 418),
        _ => (Request("POST", "/whole/form", new string('a', 2000)), 200),
    };

    private static HttpRequestMessage Request(string method, string path, string? body = null, bool isChunked = false)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = body is null ? null : new ByteArrayContent(Encoding.ASCII.GetBytes(body)),
        };
        request.Headers.TransferEncodingChunked = isChunked ? true : null;
        return request;
    }
}
