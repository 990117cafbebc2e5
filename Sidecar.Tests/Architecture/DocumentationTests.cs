using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Sidecar.Tests.Architecture;

/// <summary>What the documentation promises to be there is there.</summary>
internal sealed partial class DocumentationTests
{
    private const int MostLinesOfTheReadme = 150;

    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "docs");

    private static IEnumerable<string> Pages =>
        Directory.EnumerateFiles(Root, "*.md", SearchOption.AllDirectories).Select(static file => Path.GetRelativePath(Root, file)).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Pages))]
    public void EveryLinkToAPage_Resolves(string page)
    {
        var text = File.ReadAllText(Path.Combine(Root, page));
        var missing = LinkToPage().Matches(text).Where(link => !Resolves(page, link.Groups["page"].Value, link.Groups["place"].Value)).Select(static link => link.Value);

        Assert.That(missing, Is.Empty);
    }

    [Test]
    public void Readme_IsShort_AndLeadsToEveryPageOfTheDaemonAndTheProxies()
    {
        var readme = File.ReadAllText(Path.Combine(Root, "README.md"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(readme.Split('\n'), Has.Length.LessThanOrEqualTo(MostLinesOfTheReadme));
            foreach (var page in Pages.Where(static page => page != "README.md"))
            {
                Assert.That(readme, Does.Contain($"({page}"), "a page that nobody finds");
            }
        }
    }

    private static bool Resolves(string from, string page, string place)
    {
        var file = page.Length == 0 ? Path.Combine(Root, from) : Path.GetFullPath(Path.Combine(Root, Path.GetDirectoryName(from)!, page));
        return File.Exists(file) && (place.Length == 0 || File.ReadLines(file).Any(line => line.StartsWith('#') && Slug(line) == place));
    }

    // As a forge makes the name of a heading's place.
    private static string Slug(string heading) =>
        NoSlug().Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex("""\]\((?<page>[^)#:\s]*\.md)?(#(?<place>[^)\s]+))?\)""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex LinkToPage();

    [GeneratedRegex("""[^\w\- ]""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex NoSlug();
}
