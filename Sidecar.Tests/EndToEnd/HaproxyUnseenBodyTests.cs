using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// No client gets more of a body past the agents of a real HAProxy than they were shown, unless that is said: a search over everything that fills
/// HAProxy's buffer.
/// </summary>
[Category("EndToEnd")]
internal sealed class HaproxyUnseenBodyTests
{
    private const string Names = ",header-form=names,set-headers=X-User,edit-headers=X-Client-Secret,response-headers=X-Frame-Options";

    // 120 cases per configuration in half a minute; with SIDECAR_TEST_SCALE=50 6,000.
    private static int Cases => 120 * Math.Max(1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));

    [TestCase("haproxy.cfg", "", false)]
    [TestCase("haproxy-fail-open.cfg", "", false)]
    [TestCase("haproxy-no-lua.cfg", Names, false)]
    [TestCase("haproxy.cfg", "", true, Description = "rules of the site's own take away and shorten before the question")]
    public async Task WhatAgentsSawInPart_IsNeverTakenForInspected(string file, string listenKeys, bool hasRulesBefore)
    {
        await using var origin = new RawOrigin();
        await using var agent = new LambdaAgent("demo");
        var bodies = Collect(agent);
        await using var stack = await HaproxyStack.StartAsync(
            agent, agentKeys: ",on-excess=partial", listenKeys: listenKeys, file: file, edit: text => WithRules(origin.InPlaceOfOrigin(text), hasRulesBefore));
        var cases = Enumerable.Range(hasRulesBefore ? 1_000_000 : 0, Cases).Select(BodyCase.Of).ToList();

        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (one, _) => await one.SendAsync(stack.Port));

        var got = origin.Requests.GroupBy(static request => request.Target.Split('?')[0]).ToDictionary(
            static group => group.Key, static group => group.ToList());
        var marked = got.Values.SelectMany(static requests => requests).Count(static request => request.Header("x-sidecar-bypassed") is not null);
        var wrong = cases.Select(one => (one.Text, Fault: FaultOf(one, got.GetValueOrDefault(one.Path), bodies)))
            .Where(static pair => pair.Fault is not null)
            .ToList();
        TestContext.Out.WriteLine($"{file}: {cases.Count} cases, {got.Count} at the upstream, {marked} of them marked, {wrong.Count} wrong");
        Assert.That(wrong, Is.Empty, () => string.Join('\n', wrong.Take(20)));

        // Both ends of the search were reached.
        Assert.That(marked, Is.GreaterThan(cases.Count / 20));
        Assert.That(got.Count - marked, Is.GreaterThan(cases.Count / 5));

        // What is marked is counted; so is what never reached the upstream whole, because its client broke off.
        await Eventually.TrueAsync(
            async () => await stack.MetricAsync("sidecar_exchanges_total", "state=\"partly\"", "cause=\"truncated\"") >= marked,
            TimeSpan.FromSeconds(60), $"{marked} in part");
    }

    /// <summary>A pad that HAProxy takes away, or never tells, must not make room for a tail.</summary>
    [Test]
    public async Task TailBehindAPad_DoesNotPass([Values("X-Sidecar-Pad", "Keep-Alive", "X-Pad", "userinfo")] string pad, [Values] bool isHttp2)
    {
        await using var origin = new RawOrigin();
        await using var agent = new LambdaAgent("demo");
        await using var stack = await HaproxyStack.StartAsync(agent, agentKeys: ",on-excess=block", edit: origin.InPlaceOfOrigin);
        var filler = new string('p', 7000);
        var authority = pad == "userinfo" ? $"{filler}@{BodyCase.Host}" : BodyCase.Host;
        (string, string)[] field = pad == "userinfo" ? [] : [(pad.ToLowerInvariant(), filler)];
        var sent = new List<Task>();

        // From below the edge of HAProxy's buffer to above it.
        for (var first = 8080; first <= 8200; first += 4)
        {
            var body = new string('b', first);
            byte[] whole = isHttp2
                ?
                [
                    .. RawHttp2.Preface,
                    .. RawHttp2.Headers(0, [(":method", "POST"), (":scheme", "http"), (":authority", authority), (":path", $"/tail/{first}"), .. field]),
                    .. RawHttp2.Data(0, body), .. RawHttp2.Data(RawHttp2.EndStream, new string('t', 12_000)),
                ]
                : Encoding.Latin1.GetBytes(
                    $"POST {(pad == "userinfo" ? "http://" + authority : "")}/tail/{first} HTTP/1.1\r\nHost: {BodyCase.Host}\r\nConnection: "
                        + $"close\r\nTransfer-Encoding: chunked\r\n"
                    + string.Concat(field.Select(static one => $"{one.Item1}: {one.Item2}\r\n"))
                        + $"\r\n{first:x}\r\n{body}\r\n2ee0\r\n{new string('t', 12_000)}\r\n0\r\n\r\n");
            sent.Add(new BodyCase(first, "", isHttp2, IsOrdinary: false, [whole]).SendAsync(stack.Port));
        }

        await Task.WhenAll(sent);

        Assert.That(origin.Requests.Where(static request => request.Target.Contains("/tail/", StringComparison.Ordinal))
            .Select(static request => $"{request.Target}: {request.Body.Length}"), Is.Empty);
    }

    // What the agent was shown of each path, by the exchange.
    private static ConcurrentDictionary<CorrelationId, (string Uri, StringBuilder Body)> Collect(LambdaAgent agent)
    {
        var bodies = new ConcurrentDictionary<CorrelationId, (string Uri, StringBuilder Body)>();
        agent.Answers = (message, _) =>
        {
            if (message is RequestHeadersEvent headers)
            {
                bodies[message.CorrelationId] = (headers.Uri, new StringBuilder());
            }
            else if (message is RequestBodyChunkEvent chunk)
            {
                bodies[message.CorrelationId].Body.Append(Encoding.Latin1.GetString(chunk.Data.Span));
            }

            return new(AgentResponse.Allow);
        };
        return bodies;
    }

    private static string? FaultOf(BodyCase one, List<OriginRequest>? got, ConcurrentDictionary<CorrelationId, (string Uri, StringBuilder Body)> bodies)
    {
        if (got is not [var request])
        {
            return got is not null ? $"came {got.Count} times" : one.IsOrdinary ? "was refused" : null;
        }

        if (request.Headers.FirstOrDefault(static header => IsForeign(header.Name)).Name is { } name)
        {
            return $"the upstream got {name}";
        }

        if (request.Header("x-sidecar-bypassed") is { } mark)
        {
            return mark == "truncated" && !one.IsOrdinary ? null : $"passed marked {mark}";
        }

        // A client may not have its request asked about twice, so there is one.
        var (uri, body) = bodies.Values.Single(seen => seen.Uri.Split('?')[0] == one.Path);
        return uri != request.Target ? $"the agent saw the target {uri}, the upstream {request.Target}"
            : body.ToString() != request.Body ? $"the agent saw {body.Length} bytes, the upstream {request.Body.Length}"
            : request.Trailers.Length > 0 ? "trailers passed unseen"
            : null;
    }

    private static bool IsForeign(string name) =>
        name.Replace('_', '-')
            .StartsWith("x-sidecar-", StringComparison.OrdinalIgnoreCase) && !name.Equals("x-sidecar-bypassed", StringComparison.OrdinalIgnoreCase);

    private static string WithRules(string text, bool hasRulesBefore) => !hasRulesBefore ? text : text.Replace(
        "    http-request send-spoe-group sidecar ask-request",
        """
            http-request del-header ^(x[-_].*|keep-alive|cookie|proxy-connection|te|trailer)$ -m reg
            http-request set-query short
            http-request send-spoe-group sidecar ask-request
        """,
        StringComparison.Ordinal);
}
