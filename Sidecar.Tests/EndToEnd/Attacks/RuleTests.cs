using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>
/// A rule engine behind the daemon behind a proxy finds in each request what it finds in the client's bytes, but for what the proxy makes of them.
/// </summary>
[TestFixture(ProxySetup.NginxLua)]
[TestFixture(ProxySetup.Haproxy)]
[TestFixture(ProxySetup.EnvoyProcResponses)]
[Category("EndToEnd")]
[Category("Attack")]
internal sealed class RuleTests(ProxySetup proxy)
{
    // What asks the upstream for an answer that rules look into.
    private const string Reflecting = "/reflect";

    // Few, so that the engine has none waiting: once a second it forgets those, and their requests are sent again.
    private const int Connections = 8;
    private const int Rounds = 4;

    [Test]
    public async Task EveryRule_MatchesAsItDoesInTheBytesOfTheClient()
    {
        if (AttackRequest.RuleSetFile is not { } file)
        {
            Assert.Ignore("the requests of the rule set are not here: no shared/crs/requests.jsonl in a folder above the tests");
            return;
        }

        await using var engine = await RuleEngine.StartAsync();
        using var directory = new TempDirectory();
        var bytes = await RuleEngine.OfBytesAsync(file, directory.File("bytes.log"));

        // nginx inspects responses in these locations only.
        var changes = new ProxyChanges { Change = static text => text.Replace("location /whole/ {", $"location {Reflecting} {{", StringComparison.Ordinal) };
        await using var stack = await AttackStack.StartAsync(proxy, failsOpen: false, $"{engine.Endpoint},events=all", Reflect, changes);
        var (statuses, matches) = await SendAsync(stack, engine);
        var ledger = await stack.Daemon.LedgerAsync();
        var got = stack.Origin.Received.Select(static one => one.Fid).Where(static fid => fid.Length > 0).ToHashSet(StringComparer.Ordinal);
        await TestContext.Out.WriteLineAsync(
            $"{proxy}: {statuses.Count} sent, {matches.Count} shown, {got.Count} at the upstream, "
            + string.Join(", ", ledger.Select(static one => $"{one.Value} {one.Key}")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(got.Except(matches.Keys), Is.Empty, "what the upstream got and the engine was not shown");
            Assert.That(ledger["bypassed"] + ledger["partly"], Is.Zero, "what passes was inspected");
            await RefusedList.AssertAsync(proxy.Program(), AttackRequest.OfRuleSet, statuses, got);
            await RuleExceptions.AssertAsync(proxy.Program(), statuses.Keys.Except(RefusedList.Of(AttackRequest.OfRuleSet, statuses, got)), bytes, matches);
        }
    }

    // Each as often as it takes until the engine has come to its end.
    private static async Task<(IReadOnlyDictionary<string, int> Statuses, IReadOnlyDictionary<string, RuleMatches> Matches)> SendAsync(
        AttackStack stack, RuleEngine engine)
    {
        var statuses = await AttackClient.SendAsync(stack.Port, AttackRequest.OfRuleSet, bodyIsLate: false, Connections);
        for (var round = 1; ; round++)
        {
            await stack.Daemon.LedgerAsync();
            await stack.Daemon.CompletedAsync();

            // It writes in order, in its own time.
            var last = $"last-{round}";
            await RawHttp.SendAsync(stack.Port, "GET /last HTTP/1.1", $"X-Fid: {last}");
            await Eventually.TrueAsync(() => engine.Matches().ContainsKey(last), TimeSpan.FromMinutes(1), "the engine to write down what matched");
            var matches = engine.Matches();
            AttackRequest[] again = [.. AttackRequest.OfRuleSet.Where(request => matches.TryGetValue(request.Id, out var one) && !one.IsWhole)];
            if (again.Length == 0 || round == Rounds)
            {
                return (statuses, matches);
            }

            await AttackClient.SendAsync(stack.Port, again, bodyIsLate: false, connections: 1);
        }
    }

    // The tests of the rule set say in their bodies what they want to be answered.
    private static byte[] Reflect(WireMessage request)
    {
        var body = "";
        if (request.Target == Reflecting && request.Body.AsSpan().StartsWith("{"u8))
        {
            using var wanted = JsonDocument.Parse(request.Body);
            body = wanted.RootElement.GetProperty("body").GetString()!;
        }

        return Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");
    }
}
