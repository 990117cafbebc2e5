using System.CommandLine;
using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Cli.Admin;
using Sidecar.Daemon.Cli.Help;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Cli;

/// <summary>Help as a person reads it: in 80 columns, every setting once.</summary>
internal sealed class HelpPageTests
{
    private static readonly string Run = HelpPage.Of(RunCommand.Create(TextWriter.Null));

    private static IEnumerable<TestCaseData> Commands()
    {
        IEnumerable<Command> commands =
        [
            RunCommand.Create(TextWriter.Null),
            StatusCommand.Create(TextWriter.Null, TextWriter.Null),
            AgentsCommand.Create(TextWriter.Null, TextWriter.Null),
            SessionsCommand.Create(TextWriter.Null, TextWriter.Null),
            AgentCommand.Create(TextWriter.Null),
            BenchCommand.Create(TextWriter.Null, TextWriter.Null),
        ];
        return commands.SelectMany(static command => command.Subcommands.Prepend(command))
            .Select(static command => new TestCaseData(command).SetArgDisplayNames(command.Name));
    }

    [TestCaseSource(nameof(Commands))]
    public void NoLine_IsLongerThanAScreenIsWide(Command command)
    {
        var lines = HelpPage.Of(command).TrimEnd('\n').Split('\n');
        Assert.That(lines.Where(static line => line.Length > HelpPage.Width), Is.Empty);
        Assert.That(lines, Has.None.Matches<string>(static line => line.EndsWith(' ')));
    }

    [TestCaseSource(nameof(Commands))]
    public void EveryFlag_HasOneLine(Command command)
    {
        foreach (var option in command.Options)
        {
            Assert.That(HelpPage.Of(command).Split('\n'), Has.Exactly(1).Matches($@"^[ *] (-\w, )?{Regex.Escape(option.Name)}( |$)"), option.Name);
        }
    }

    [Test]
    public void EverySetting_IsShownOnceUnderItsHeading_WithItsDefaultAndUnit()
    {
        var entries = Entries(Run);
        foreach (var setting in SettingsTable.All)
        {
            var mine = entries.Where(entry => entry.Heading == setting.Group.Title && IsOf(entry.Name, setting)).ToList();
            Assert.That(mine, Has.Count.EqualTo(1), setting.Key);
            Assert.That(mine[0].Text, Does.EndWith($"[{setting.DefaultText}]"));
        }

        string[] others = ["--config", "--agent", "--listen", "--route"];
        Assert.That(entries, Has.Count.EqualTo(SettingsTable.All.Count + others.Length), "and nothing else");
    }

    [TestCase("--breaker-rate N", "Failed calls that open an agent's breaker; 0 for never [50 percent]")]
    [TestCase("--timeout DURATION", "Longest wait for an answer about headers [120ms]")]
    [TestCase("--body-memory SIZE", "Bytes of bodies held at once by the whole daemon [256MiB]")]
    [TestCase("budget=DURATION", "Time for one phase of an exchange (not of admin, reverse) [400ms; spop, envoy 160ms; envoy failing open 140ms]")]
    [TestCase("set-headers=NAME+NAME", "Request headers that only agents may set (also of spop) [X-User]")]
    public void Setting_ReadsSo(string name, string text) => Assert.That(Entries(Run).Single(entry => entry.Name == name).Text, Is.EqualTo(text));

    [Test]
    public void FlagsThatAreAlsoKeysOfAnAgent_AreMarked()
    {
        var marked = Run.Split('\n').Where(static line => line.StartsWith("* --", StringComparison.Ordinal)).Select(static line => line[2..].Split(' ')[0]);
        Assert.That(marked, Is.EquivalentTo(
            SettingsTable.Of(SettingScopes.Run).Where(static setting => setting.Scopes.HasFlag(SettingScopes.Agent)).Select(static setting => setting.Flag)));
        Assert.That(Run, Does.Contain("* --failure-mode").And.Contain("  --body-memory").And.Contain("A flag marked *"));
    }

    // What stands beside or below a name is its text.
    private static List<(string Heading, string Name, string Text)> Entries(string page)
    {
        var entries = new List<(string Heading, string Name, string Text)>();
        var heading = "";
        foreach (var line in page.Split('\n'))
        {
            if (line.Length > 0 && line[0] is not (' ' or '*'))
            {
                heading = line.TrimEnd(':');
            }
            else if (line.Length > 2 && line[2] != ' ')
            {
                var end = line.IndexOf("  ", 2, StringComparison.Ordinal);
                entries.Add(end < 0 ? (heading, line[2..], "") : (heading, line[2..end], line[end..].Trim()));
            }
            else if (line.Length > 0)
            {
                var (of, name, text) = entries[^1];
                entries[^1] = (of, name, $"{text} {line.Trim()}".Trim());
            }
        }

        return entries;
    }

    private static bool IsOf(string name, Setting setting) =>
        setting.Group.IsOfFlags ? name.Split(' ')[0] == setting.Flag : name.Split('=')[0] == setting.Key;
}
