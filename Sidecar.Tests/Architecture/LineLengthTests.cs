using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Sidecar.Tests.Architecture;

/// <summary>
/// No line is longer than .editorconfig says, which formatters do not hold. What stands in quotes does not count: a message is found by its whole text.
/// </summary>
internal sealed partial class LineLengthTests
{
    [Test]
    public void NoLine_IsLongerThanTheEditorsAreTold()
    {
        var limit = int.Parse(MostOfALine().Match(File.ReadAllText(Path.Combine(SourceFiles.Root(), ".editorconfig"))).Groups["most"].Value, CultureInfo.InvariantCulture);
        var files = SourceFiles.All().ToList();

        Assert.That(files, Has.Count.GreaterThan(1000), "the search finds no files");
        Assert.That(files.SelectMany(file => Long(file, limit)), Is.Empty);
    }

    [TestCase("var x = \"abc\";", "var x = ;")]
    [TestCase("""var x = "a\"c" + 'b' + $"{y} z";""", "var x =  + 'b' + ;")]
    [TestCase("// don't \"quote\" me", "// don't \"quote\" me")]
    [TestCase("    /// <c>\"\"</c>", "    /// <c>\"\"</c>")]
    public void QuotedText_DoesNotCount(string line, string counted) => Assert.That(Counted(line), Is.EqualTo(counted));

    private static IEnumerable<string> Long(string file, int limit)
    {
        var isRaw = false;
        foreach (var (number, line) in File.ReadLines(file).Index())
        {
            // A text over several lines is as long as what it quotes.
            if (RawQuote().Count(line) % 2 == 1)
            {
                isRaw = !isRaw;
            }
            else if (!isRaw && Counted(line).Length > limit)
            {
                yield return $"{Path.GetFileName(file)}:{number + 1}";
            }
        }
    }

    private static string Counted(string line) => line.TrimStart().StartsWith("//", StringComparison.Ordinal) ? line : Quoted().Replace(line, "");

    [GeneratedRegex("max_line_length = (?<most>[0-9]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex MostOfALine();

    [GeneratedRegex("\"{3,}", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex RawQuote();

    [GeneratedRegex("""\$?("{3,}.*?"{3,}|"(\\.|[^"\\])*")""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Quoted();
}
