using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Sidecar.Tests.Architecture;

/// <summary>What comments cite of the documentation can be looked up there: sections of the two protocol pages, rules of the architecture.</summary>
internal sealed partial class CitationTests
{
    private static readonly string Pages = Path.Combine(AppContext.BaseDirectory, "docs");

    [TestCase("spec", "Sidecar.Protocol/docs/agent-protocol-v2.md")]
    [TestCase("proxy integration", "Sidecar.Protocol/docs/proxy-protocols.md")]
    [TestCase("rule", "Sidecar.Daemon/docs/architecture.md")]
    public void EveryCitation_HasItsPlaceOnThePage(string what, string page)
    {
        var places = Numbered(File.ReadAllLines(Path.Combine(Pages, page)));
        var cited = (from file in SourceFiles.All().Where(static file => Path.GetFileName(file) != "CitationTests.cs")
                     from citation in Cited(File.ReadAllText(file))
                     where citation.What == what
                     select $"{citation.Number} in {Path.GetFileName(file)}").ToList();

        Assert.That(cited, Has.Count.GreaterThan(30), "the search finds no citations");
        Assert.That(cited.Where(citation => !places.Contains(citation.Split(' ')[0])).Distinct().Order(StringComparer.Ordinal), Is.Empty);
    }

    [TestCase("// One (spec §3.4, §3.5)", "spec 3.4", "spec 3.5")]
    [TestCase("/// Spec §5.5, rules 1 to 4, as agents mean it.", "spec 5.5")]
    [TestCase("// (proxy integration §1.2 to §1.4; rule 9)", "proxy integration 1.2", "proxy integration 1.4", "rule 9")]
    [TestCase("/// (proxy integration\n    /// §3.5.10; rules 5, 9, 16)", "proxy integration 3.5.10", "rule 5", "rule 9", "rule 16")]
    [TestCase("// (RFC 9110 §5.6.2, spec Appendix B)", "spec B")]
    [TestCase("// The overrule 3 of it")]
    [TestCase("var text = \"rule 942100 of http://spec\";")]
    public void Citations_AreFound(string text, params string[] expected) =>
        Assert.That(Cited(text).Select(static citation => $"{citation.What} {citation.Number}"), Is.EqualTo(expected));

    [TestCase("### 3.2 ext_authz", "3.2")]
    [TestCase("## Appendix B Conventions", "B")]
    [TestCase("## Appendix C. Bytes", "C")]
    [TestCase("## 10. Other", "10")]
    public void NumbersOfHeadings_AreFound(string line, string expected) => Assert.That(Numbered([line]), Is.EqualTo(new[] { expected }));

    [Test]
    public void NumberedLines_BelongToTheirSection() =>
        Assert.That(Numbered(["### 3.5 Rules", "1. First", "## Words", "2. Second"]), Is.EquivalentTo(new[] { "3.5", "3.5.1", "2" }));

    private static IEnumerable<(string What, string Number)> Cited(string text)
    {
        // A citation may go on in the next line of a comment.
        var comments = string.Join(' ', Comment().Matches(text).Select(static comment => comment.Groups["text"].Value.TrimEnd()));
        return from citation in Sections().Matches(comments).Concat(Rules().Matches(comments))
               from Capture number in citation.Groups["number"].Captures
               select (citation.Groups["what"].Value.ToLowerInvariant(), number.Value);
    }

    // Headings with a number, and the numbered lines below them: "3.5.8" is line 8 of section 3.5, "8" is line 8 below a heading that has no number.
    private static HashSet<string> Numbered(IEnumerable<string> lines)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        var section = "";
        foreach (var line in lines)
        {
            if (line.StartsWith('#'))
            {
                section = Heading().Match(line).Groups["number"].Value;
                found.Add(section);
            }
            else if (NumberedLine().Match(line) is { Success: true } item)
            {
                found.Add(section.Length == 0 ? item.Groups["number"].Value : $"{section}.{item.Groups["number"].Value}");
            }
        }

        found.Remove("");
        return found;
    }

    [GeneratedRegex("""(?<!:)//+ ?(?<text>.*)""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Comment();

    [GeneratedRegex("""\b(?<what>[Ss]pec|[Pp]roxy integration) (§|Appendix )(?<number>[A-Z]|[0-9]+(\.[0-9]+)*)((, | to | and )§(?<number>[0-9.]*[0-9]))*""",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Sections();

    // "spec §5.5, rule 2" is a rule of that section.
    [GeneratedRegex("""(?<!§[0-9.]+, )\b(?<what>rule)s? (?<number>[0-9]+)((, | to | and )(?<number>[0-9]+))*""",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Rules();

    [GeneratedRegex("""^#+ ((?<number>[0-9]+(\.[0-9]+)*)|Appendix (?<number>[A-Z])\b)""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Heading();

    [GeneratedRegex("""^(?<number>[0-9]+)\. """, RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex NumberedLine();
}
