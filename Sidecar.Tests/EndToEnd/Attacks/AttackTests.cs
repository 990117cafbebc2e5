using System.Text;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>Hostile requests as raw bytes through each proxy: what reaches the upstream was shown to the agent, equal, and is accounted.</summary>
[TestFixture(ProxySetup.NginxAuthRequest, false)]
[TestFixture(ProxySetup.NginxLua, false)]
[TestFixture(ProxySetup.NginxNjs, false)]
[TestFixture(ProxySetup.Haproxy, false)]
[TestFixture(ProxySetup.Haproxy, true)]
[TestFixture(ProxySetup.HaproxyNoLua, false)]
[TestFixture(ProxySetup.Caddy, false)]
[TestFixture(ProxySetup.TraefikForwardingBodies, false)]
[TestFixture(ProxySetup.EnvoyAuthz, false)]
[TestFixture(ProxySetup.EnvoyHttpAuthz, false)]
[TestFixture(ProxySetup.EnvoyProc, false)]
[TestFixture(ProxySetup.EnvoyProc, true)]
[TestFixture(ProxySetup.EnvoyProcResponses, false)]
[Category("EndToEnd")]
[Category("Attack")]
internal sealed class AttackTests(ProxySetup proxy, bool failsOpen)
{
    // What a client is known to have sent of a request that carries no id.
    private static readonly WireMessage Nothing = new("", "", [], []);

    [Test]
    public async Task NoRequest_ReachesTheUpstreamUnseen([Values] bool bodyIsLate)
    {
        await using var stack = await AttackStack.StartAsync(proxy, failsOpen);
        var before = (Ledger: await stack.Daemon.LedgerAsync(), Shown: stack.Daemon.Shown().Count, Got: stack.Origin.Received.Count);
        AttackRequest[] requests = [.. AttackRequest.All.Where(request => !bodyIsLate || request.HasBody)];

        var statuses = await AttackClient.SendAsync(stack.Port, requests, bodyIsLate);

        var after = await stack.Daemon.LedgerAsync();
        var ledger = after.ToDictionary(static one => one.Key, one => one.Value - before.Ledger[one.Key], StringComparer.Ordinal);
        var shown = stack.Daemon.Shown().Skip(before.Shown).ToLookup(static message => message.Fid, StringComparer.Ordinal);
        var got = stack.Origin.Received.Skip(before.Got).ToList();
        await TestContext.Out.WriteLineAsync(
            $"{proxy}{(failsOpen ? ", fail open" : "")}: {requests.Length} sent, {got.Count} at the upstream, {shown.Sum(static one => one.Count())} "
                + $"shown, {string.Join(", ", ledger.Select(static one => $"{one.Value} {one.Key}"))}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(statuses.Where(static one => one.Value == AttackClient.NoEnd).Select(static one => one.Key), Is.Empty, "what came to no end");

            // Some proxies pass on what they have before they know that it is not whole.
            Assert.That(
                stack.Origin.Broken,
                Has.Count.LessThanOrEqualTo(shown.Sum(static one => one.Count()) - got.Count),
                () => string.Join("; ", stack.Origin.Broken));
            Assert.That(Differences(requests, shown, got, proxy.ShowsBodies()), Is.Empty, "what the upstream got and the agent was not shown");
            AssertAccounted(ledger, shown.Sum(static one => one.Count()), got, proxy == ProxySetup.EnvoyProcResponses);
            await RefusedList.AssertAsync(proxy.Program(), requests, statuses, [.. got.Select(static one => one.Fid)]);
        }
    }

    private static List<string> Differences(AttackRequest[] requests, ILookup<string, WireMessage> shown, List<WireMessage> got, bool withBody)
    {
        var sent = requests.ToDictionary(
            static request => request.Id, static request => WireMessage.ParseHead(Encoding.Latin1.GetString(request.Raw)), StringComparer.Ordinal);
        var differences = new List<string>();
        foreach (var same in got.GroupBy(static one => one.Fid, StringComparer.Ordinal))
        {
            // One that is told apart from no other was sent behind the end of another: each has to have been shown all the same.
            var left = shown[same.Key].ToList();
            var client = sent.GetValueOrDefault(same.Key, Nothing);
            foreach (var one in same)
            {
                var equal = left.FirstOrDefault(candidate => AttackComparison.Difference(client, candidate, one, withBody) is null);
                if (equal is null)
                {
                    differences.Add($"{same.Key}: {AttackComparison.Difference(client, left.FirstOrDefault(), one, withBody)}");
                }
                else
                {
                    left.Remove(equal);
                }
            }
        }

        return differences;
    }

    // Each request that was received is in one state; what is at the upstream was inspected, or is marked there and counted.
    private static void AssertAccounted(Dictionary<string, long> ledger, int shown, List<WireMessage> got, bool tellsOwnReplies)
    {
        var marked = got.Count(AttackComparison.IsMarked);
        Assert.That(ledger["received"], Is.EqualTo(ledger.Where(static one => one.Key != "received").Sum(static one => one.Value)), "each is accounted once");
        Assert.That(ledger["received"], Is.GreaterThanOrEqualTo(shown));
        Assert.That(
            ledger["bypassed"] + ledger["partly"],
            Is.InRange(marked, marked + shown - got.Count),
            "what passes uninspected is marked, unless the proxy refuses it afterwards");
        Assert.That(
            ledger["not-subject"], tellsOwnReplies ? Is.LessThanOrEqualTo(ledger["received"] - shown) : Is.Zero, "but for the replies of the proxy itself");
        Assert.That(ledger["inspected"], Is.GreaterThanOrEqualTo(got.Count - marked), "what passes unmarked was inspected");
        Assert.That(
            ledger["refused"] + ledger["abandoned"] + ledger["not-subject"],
            Is.GreaterThanOrEqualTo(ledger["received"] - shown),
            "what was received and not shown was refused, or its client was gone");
    }
}
