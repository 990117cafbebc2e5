using NUnit.Framework;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>Every configuration that the documentation shows is read without an error, and without a warning.</summary>
internal sealed class DocumentedConfigurationTests
{
    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "docs");

    private static IEnumerable<TestCaseData> Shown() =>
        from page in Directory.EnumerateFiles(Root, "*.md", SearchOption.AllDirectories)
        from block in File.ReadAllText(page).Split("```yaml\n").Skip(1).Select(static rest => rest.Split("```")[0])
        where block.StartsWith("version: 1\n", StringComparison.Ordinal)
        select new TestCaseData(block).SetArgDisplayNames(Path.GetRelativePath(Root, page));

    [TestCaseSource(nameof(Shown))]
    public void Configuration_IsRead(string text)
    {
        // What is included is not there to be read.
        var reading = ConfigurationText.Read(text);
        Assert.That(reading.Errors.Concat(reading.Warnings), Is.Empty);
    }

    [Test]
    public void RealisticSite_FitsOnAPage()
    {
        var site = Shown().Select(static one => (string)one.Arguments[0]!).MaxBy(static text => text.Length)!;
        Assert.That(site.Split('\n'), Has.Length.LessThanOrEqualTo(60));
        var snapshot = ConfigurationText.Read(site).Snapshot!;
        Assert.That((snapshot.Listeners.Count, snapshot.Agents.Count, snapshot.Routes.Count), Is.EqualTo((4, 4, 6)));
    }
}
