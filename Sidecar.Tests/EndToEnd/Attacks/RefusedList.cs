using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>The attack requests that a version of a proxy refuses, or answers, by itself: <c>Corpus/refused/PROGRAM-VERSION.txt</c>, an id a line.</summary>
/// <remarks>
/// Exact, both ways: a proxy that takes more than it took, or less, is a change that somebody has to look at. A line <c>? ID</c> stands for one
/// that the proxy finds broken while it asks or while it passes it on, whichever comes first: then its own answer may be one of ours.
/// </remarks>
internal static class RefusedList
{
    // What the daemon, or the configuration in its place, refuses; proxies use other codes for requests that they do not take.
    private static readonly int[] OurStatuses = [403, 413, 503, 504];

    /// <summary>The ids of what the proxy refused by itself.</summary>
    /// <param name="requests">What was sent.</param>
    /// <param name="statuses">The statuses of the answers, by id.</param>
    /// <param name="taken">The ids of what the upstream got.</param>
    public static IEnumerable<string> Of(IReadOnlyList<AttackRequest> requests, IReadOnlyDictionary<string, int> statuses, HashSet<string> taken) =>
        requests.Select(static request => request.Id).Where(id => !taken.Contains(id) && !OurStatuses.Contains(statuses[id]));

    /// <summary>Compares what did not come through with the list of this version.</summary>
    /// <param name="program">The proxy.</param>
    /// <param name="requests">What was sent.</param>
    /// <param name="statuses">The statuses of the answers, by id.</param>
    /// <param name="taken">The ids of what the upstream got.</param>
    public static async Task AssertAsync(
        string program, IReadOnlyList<AttackRequest> requests, IReadOnlyDictionary<string, int> statuses, HashSet<string> taken)
    {
        var refused = Of(requests, statuses, taken).ToList();
        var name = $"{program}-{await PeerPrograms.VersionAsync(program)}.txt";
        var path = Path.Combine(AppContext.BaseDirectory, "Corpus", "refused", name);
        string[] lines = File.Exists(path) ? await File.ReadAllLinesAsync(path) : [];
        var listed = lines.Where(static line => !line.StartsWith("? ", StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        listed.IntersectWith(requests.Select(static request => request.Id));
        refused.RemoveAll(id => lines.Contains($"? {id}"));
        var now = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"refused-{TestContext.CurrentContext.Test.ID}-{name}");
        if (!listed.SetEquals(refused))
        {
            await File.WriteAllLinesAsync(now, refused.Order(StringComparer.Ordinal));
        }

        Assert.That(refused, Is.EquivalentTo(listed), $"what {program} refuses differs from Corpus/refused/{name}; what it refuses now stands in {now}");
    }
}
