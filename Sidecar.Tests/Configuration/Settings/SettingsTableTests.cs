using NUnit.Framework;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration.Settings;

/// <summary>What holds for every setting.</summary>
internal sealed class SettingsTableTests
{
    private static IEnumerable<TestCaseData> All() =>
        SettingsTable.All.Select(static setting => new TestCaseData(setting).SetArgDisplayNames($"{setting.Group.Title}: {setting.Key}"));

    [Test]
    public void EverySettingOfEveryList_IsInTheTableOnce()
    {
        var listed = new[] { DaemonSettings.List, CallSettings.List, AgentSettings.List, ListenerSettings.List, EnvoySettings.List, RouteSettings.List }
            .SelectMany(static list => list);
        Assert.That(SettingsTable.All, Is.Unique.And.EquivalentTo(listed), "a setting whose group is not shown would be nowhere");
        Assert.That(SettingsTable.All, Has.Count.GreaterThan(80));
    }

    [Test]
    public void Key_MeansOneSettingInEachPlace()
    {
        foreach (var scope in Enum.GetValues<SettingScopes>().Where(static scope => int.PopCount((int)scope) == 1))
        {
            Assert.That(SettingsTable.Of(scope).Select(static setting => setting.Key), Is.Unique, $"{scope}");
            Assert.That(SettingsTable.Of(scope), Is.Not.Empty, $"{scope}");
        }
    }

    [TestCaseSource(nameof(All))]
    public void Setting_SaysWhatItIs(object one)
    {
        var setting = (Setting)one;
        Assert.That(setting.Key, Does.Match("^[a-z]+(-[a-z]+)*$"));
        Assert.That(setting.Flag, Does.StartWith("--"));
        Assert.That((setting.Help.Length, setting.Placeholder.Length, setting.DefaultText.Length), Is.GreaterThan((0, 0, 0)));
        Assert.That(setting.Help, Has.Length.AtMost(76).And.Not.EndsWith("."));
        Assert.That(setting.IsSwitch && !setting.Group.IsOfFlags, Is.False, "only flags go without a value");
    }

    [TestCaseSource(nameof(All))]
    public void Default_IsReadFromItsText(object one)
    {
        var setting = (Setting)one;
        if (setting.WrittenDefault is not { Length: > 0 } text)
        {
            Assert.That(setting.DefaultText, Is.Not.Empty, "what counts then is said in words");
            return;
        }

        var errors = new List<string>();
        Assert.That(setting.Read(text, SettingValues.Empty, errors.Add).ToString(), Is.EqualTo($"{setting.Key}={text}"));
        Assert.That(errors, Is.Empty);
    }

    [TestCaseSource(nameof(All))]
    public void Range_IsHeldAtBothEnds(object one)
    {
        var setting = (Setting)one;
        if (setting.Placeholder != "N")
        {
            Assert.That(setting.Range.Length > 0, Is.EqualTo(setting.Key is "max-frame" or "max-message" || HasRange(setting)));
            return;
        }

        var (min, max) = setting.Range.Split(" to ") is [var first, var last] ? (int.Parse(first, null), int.Parse(last, null)) : (0, 0);
        Assert.That((Errors(setting, $"{min}"), Errors(setting, $"{max}")), Is.EqualTo(("", "")));
        Assert.That(Errors(setting, $"{min - 1}"), Does.StartWith($"{min - 1} is below {min} ").And.EndsWith($"; give {min} to {max}"));
        Assert.That(Errors(setting, $"{max + 1}"), Does.StartWith($"{max + 1} is above {max} ").And.EndsWith($"; give {min} to {max}"));
    }

    private static bool HasRange(Setting setting) =>
        setting.Placeholder is "OCTAL" || setting.Placeholder.Split("|")[0] is "DURATION" or "N" || setting.Placeholder.Contains("[:SIZE]", StringComparison.Ordinal);

    private static string Errors(Setting setting, string text)
    {
        var errors = new List<string>();
        setting.Read(text, SettingValues.Empty, errors.Add);
        return string.Join('|', errors);
    }
}
