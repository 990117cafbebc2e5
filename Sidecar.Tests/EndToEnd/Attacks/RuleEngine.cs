using System.Text.Json;
using NUnit.Framework;
using Sidecar.Tests.EndToEnd.RealAgents;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>
/// An agent with the OWASP Core Rule Set that allows everything and writes down which rules matched; the same engine also takes bytes of requests.
/// </summary>
internal sealed class RuleEngine : IAsyncDisposable
{
    private const string Program = "coraza-agent";

    // Notes the id of the request, and so matches each.
    private const int Marker = 999998;

    private static readonly RealAgentKind Kind = new()
    {
        Name = Program,
        Program = Program,
        Variables = ["GOMAXPROCS=32"],
        Arguments = static place => ["agent", "--socket", place, "--rules", "ftw", "--log", Log(place)],
        Probe = new("GET / HTTP/1.1"),
        Cases = [],
    };

    private readonly RealAgent _agent;

    private RuleEngine(RealAgent agent) => _agent = agent;

    /// <summary>Where it listens.</summary>
    public string Endpoint => _agent.Endpoint;

    /// <summary>Starts it; without its program the calling test is not run.</summary>
    public static async Task<RuleEngine> StartAsync() => new(await RealAgent.StartAsync(Kind));

    /// <summary>What matches when nothing stands between a client and the engine.</summary>
    /// <param name="requests">The file with the requests.</param>
    /// <param name="log">Where the engine may write.</param>
    public static async Task<IReadOnlyDictionary<string, RuleMatches>> OfBytesAsync(string requests, string log)
    {
        await using var engine = ChildProcess.Start(await SharedPeer.RequireAsync(Program), "raw", "--requests", requests, "--rules", "ftw", "--log", log);
        Assert.That(await engine.WaitForExitAsync(), Is.Zero, engine.Output);
        return Read(log);
    }

    /// <summary>What has matched so far, by the ids of the requests.</summary>
    public IReadOnlyDictionary<string, RuleMatches> Matches() => Read(Log(_agent.Endpoint));

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    private static string Log(string place) => $"{place}.log";

    private static Dictionary<string, RuleMatches> Read(string log)
    {
        var all = new Dictionary<string, RuleMatches>(StringComparer.Ordinal);

        // What is written meanwhile may end within a line.
        var text = File.ReadAllText(log);
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            var id = root.GetProperty("tx").GetString()!;
            var one = all.GetValueOrDefault(id, new RuleMatches("", [], ""));
            if (root.TryGetProperty("saw", out var saw))
            {
                one = one with { Saw = saw.GetRawText() };
            }
            else if (root.GetProperty("rule").GetInt32() is not Marker and var rule)
            {
                one.Rules.Add(rule);
            }
            else
            {
                one = one with { Fid = root.GetProperty("fid").GetString()! };
            }

            all[id] = one;
        }

        return all.Values.Where(static one => one.Fid.Length > 0).GroupBy(static one => one.Fid, StringComparer.Ordinal)
            .ToDictionary(static same => same.Key, static same => same.OrderBy(static one => one.IsWhole).Last(), StringComparer.Ordinal);
    }
}

/// <summary>What matched in a request, and its response.</summary>
/// <param name="Fid">The id of the request.</param>
/// <param name="Rules">The ids of the rules, in order.</param>
/// <param name="Saw">The request as the engine took it, as JSON; empty where it has not come to its end.</param>
internal sealed record RuleMatches(string Fid, SortedSet<int> Rules, string Saw)
{
    /// <summary>Whether the engine knows of the end.</summary>
    public bool IsWhole => Saw.Length > 0;
}
