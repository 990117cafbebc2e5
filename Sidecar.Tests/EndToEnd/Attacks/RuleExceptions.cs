using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>
/// What rules find in requests behind a proxy otherwise than in the bytes of the client: <c>Corpus/rules/PROGRAM.txt</c>, a request a line,
/// <c>ID -RULE +RULE</c> for what does not match any more and what does besides, or <c>ID unseen</c>; above them, after <c>#</c>, why.
/// </summary>
/// <remarks>Exact, both ways: another difference is a change that somebody has to look at.</remarks>
internal static class RuleExceptions
{
    /// <summary>Compares with the list of the proxy.</summary>
    /// <param name="program">The proxy.</param>
    /// <param name="ids">The requests that it did not refuse by itself.</param>
    /// <param name="bytes">What matches in the bytes.</param>
    /// <param name="shown">What matched in what the engine was shown.</param>
    public static async Task AssertAsync(
        string program, IEnumerable<string> ids, IReadOnlyDictionary<string, RuleMatches> bytes, IReadOnlyDictionary<string, RuleMatches> shown)
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "Corpus", "rules", $"{program}.txt"));
        var listed = lines.Where(static line => line.Length > 0 && line[0] != '#').ToHashSet(StringComparer.Ordinal);
        var found = ids.Select(id => Difference(id, bytes[id], shown.GetValueOrDefault(id))).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var now = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"rules-{TestContext.CurrentContext.Test.ID}-{program}.txt");
        if (!listed.SetEquals(found))
        {
            // With what the engine saw, for whoever has to tell why.
            await File.WriteAllLinesAsync(
                now, found.SelectMany(line => (string[])[line, $"# bytes {bytes[Id(line)].Saw}", $"# shown {shown.GetValueOrDefault(Id(line))?.Saw}"]));
        }

        Assert.That(found.Except(listed), Is.Empty, $"differences that are not in Corpus/rules/{program}.txt; what they are now stands in {now}");
        Assert.That(listed.Except(found), Is.Empty, $"differences of Corpus/rules/{program}.txt that are none any more; what they are now stands in {now}");
    }

    private static string Id(string line) => line.Split(' ')[0];

    private static string? Difference(string id, RuleMatches bytes, RuleMatches? shown)
    {
        if (shown is null)
        {
            return $"{id} unseen";
        }

        var lost = bytes.Rules.Except(shown.Rules).Select(static rule => $" -{rule}");
        var gained = shown.Rules.Except(bytes.Rules).Select(static rule => $" +{rule}");
        var changes = string.Concat(lost.Concat(gained));
        return changes.Length == 0 ? null : id + changes;
    }
}
