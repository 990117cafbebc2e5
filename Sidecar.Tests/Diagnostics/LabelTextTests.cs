using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Diagnostics;

[TestFixture]
internal sealed class LabelTextTests
{
    private static readonly TestCaseData<object?, string>[] Values =
    [
        new("plain", "t=\"plain\""),
        new("a\"b", "t=\"a\\\"b\""),
        new("a\\b", "t=\"a\\\\b\""),
        new("a\nb", "t=\"a\\nb\""),
        new("\\n", "t=\"\\\\n\""),
        new("grün 🛡", "t=\"grün 🛡\""),
        new("a\uD83Db", "t=\"a\uFFFDb\""),
        new(1.5, "t=\"1.5\""),
        new(true, "t=\"true\""),
        new(DayOfWeek.Friday, "t=\"Friday\""),
        new(null, ""),
        new("", ""),
    ];

    [TestCaseSource(nameof(Values))]
    public void Of_Value_IsEscaped(object? value, string expected) =>
        Assert.That(LabelText.Of([new("t", value)]), Is.EqualTo(expected));

    [Test]
    public void Of_SeveralTags_AreSortedAndTheLastOfANameCounts() =>
        Assert.That(LabelText.Of([new("b.c", 1), new("a", 2), new("b_c", 3)]), Is.EqualTo("a=\"2\",b_c=\"3\""));

    [Test]
    public void Of_LongValue_IsCut()
    {
        var longest = new string('x', LabelText.MaxValueLength);

        Assert.That(LabelText.Of([new("t", longest + "x")]), Is.EqualTo($"t=\"{longest}\""));
    }
}
