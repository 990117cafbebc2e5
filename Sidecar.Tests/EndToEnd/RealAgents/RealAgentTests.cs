using System.Globalization;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.RealAgents;

/// <summary>Published agents, as they are, behind real proxies: what they decide happens, and nothing passes them by unseen.</summary>
[TestFixtureSource(nameof(Fixtures))]
[Category("EndToEnd")]
internal sealed class RealAgentTests(string proxy, string agent)
{
    // Clients at once, how many of their requests the agent judges, where among these it is killed, and how many are sent at most.
    private const int Clients = 16;
    private const int Requests = 2000;
    private const int MostSent = 200_000;

    // What an agent is shown of a body at most.
    private const int Limit = 1024 * 1024;
    private static readonly int[] Kills = [400, 1100];

    private RealAgentStack _stack = null!;

    private static IEnumerable<TestFixtureData> Fixtures =>
        from proxy in (string[])["nginx", "envoy"]
        from kind in RealAgentKind.All.Keys
        select new TestFixtureData(proxy, kind).SetArgDisplayNames(proxy, kind);

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await RealAgentStack.StartAsync(RealAgentKind.All[agent], proxy);

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? default);

    [Test]
    [Order(1)]
    public async Task WhatTheAgentDecides_Happens()
    {
        foreach (var one in _stack.Kind.Cases.Prepend(_stack.Kind.Probe))
        {
            await _stack.CheckAsync(one);
        }
    }

    [TestCase(0)]
    [TestCase(1024)]
    [TestCase(100 * 1024)]
    [TestCase(Limit - 1)]
    [TestCase(Limit)]
    [Order(2)]
    public async Task Bodies_AreSeenToTheirLastByte_AndArriveWhole(int size)
    {
        var (body, before, inspected) = (Padding(size), _stack.Origin.BodyBytes, await EndedAsync("inspected", ""));
        var passed = await RawHttp.SendBodyAsync(_stack.Port, "POST /discard HTTP/1.1", body);
        Assert.That((passed.Status, _stack.Origin.BodyBytes - before), Is.EqualTo((200, (long)size)));
        if (_stack.Kind.Attack is not { } attack || size == 0)
        {
            return;
        }

        before = _stack.Origin.Requests;
        var blocked = await RawHttp.SendBodyAsync(_stack.Port, "POST /discard HTTP/1.1", body[..^attack.Length] + attack);
        Assert.That((blocked.Status, _stack.Origin.Requests - before), Is.EqualTo((agent == "waf" ? 403 : 406, 0L)), "found at its very end");
        Assert.That(await EndedAsync("inspected", ""), Is.EqualTo(inspected + 2));
    }

    [Test]
    [Order(2)]
    public async Task ABodyOneByteBeyondTheLimit_IsRefused_AndCountedSo()
    {
        var looksAtBodies = agent != "denylist";
        var (refused, before) = (await EndedAsync("refused", "too-large"), _stack.Origin.Requests);
        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /discard HTTP/1.1", Padding(Limit + 1));
        Assert.That((answer.Status, _stack.Origin.Requests - before), Is.EqualTo(looksAtBodies ? (413, 0L) : (200, 1L)));
        Assert.That(await EndedAsync("refused", "too-large"), Is.EqualTo(refused + (looksAtBodies ? 1 : 0)));
    }

    // An agent that states headers only was shown no body, and the ledger said inspected.
    [Test]
    [Order(3)]
    public async Task NothingIsNamedUnseen() => Assert.That(
        await _stack.MetricAsync("sidecar_exchanges_total", "cause=\"body-unasked\"") + await _stack.MetricAsync(
            "sidecar_exchanges_total", "state=\"bypassed\""),
        agent == "denylist" ? Is.GreaterThanOrEqualTo(0) : Is.Zero);

    // Every request was inspected, blocked by the agent, or refused; what passed carries the agent's mark.
    [Test]
    [Order(4)]
    public async Task Kill9_In2000Requests_LetsNoneThroughUnmarked()
    {
        var (sent, judged, refused) = (0, 0, 0);
        var kills = Kills.Select(static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        async Task ClientAsync()
        {
            while (Volatile.Read(ref judged) < Requests && Interlocked.Increment(ref sent) <= MostSent)
            {
                var answer = await _stack.SendAsync(_stack.Kind.Probe);
                if (answer.Status is 503 or 504)
                {
                    Interlocked.Increment(ref refused);
                    continue;
                }

                _stack.Kind.Probe.Check(answer);
                if (Array.IndexOf(Kills, Interlocked.Increment(ref judged)) is >= 0 and var kill)
                {
                    kills[kill].SetResult();
                }
            }
        }

        var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(ClientAsync)).ToArray();
        foreach (var kill in kills)
        {
            await Task.WhenAny(kill.Task, Task.WhenAll(clients));
            await _stack.Agent.CrashAsync();
        }

        await Task.WhenAll(clients);
        await _stack.ConnectedAsync();
        await TestContext.Out.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"{proxy}, {agent}: {judged} requests judged by the agent, {refused} refused, none passed by"));
        Assert.That(judged, Is.GreaterThanOrEqualTo(Requests));
        for (var i = 0; i < 20; i++)
        {
            await _stack.CheckAsync(_stack.Kind.Probe);
        }
    }

    // How many exchanges have ended so, once all have ended.
    private async Task<long> EndedAsync(string state, string cause)
    {
        await Eventually.TrueAsync(async () => await _stack.MetricAsync("sidecar_exchanges_open") == 0, TimeSpan.FromMinutes(1), "the end of all exchanges");
        return await _stack.MetricAsync("sidecar_exchanges_total", $"state=\"{state}\"", cause.Length == 0 ? "" : $"cause=\"{cause}\"");
    }

    private static string Padding(int size) => new('x', size);
}
