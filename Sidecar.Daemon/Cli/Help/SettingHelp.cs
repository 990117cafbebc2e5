using System.CommandLine;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Cli.Help;

/// <summary>The settings as help shows them.</summary>
internal static class SettingHelp
{
    /// <summary>What the marks and brackets mean.</summary>
    public const string Note =
        "Defaults stand in [brackets]. A flag marked * is for all agents; without its dashes it is also a key of --agent, for that agent "
        + "alone (connections= for --connections-per-agent).";

    /// <summary>Every setting under its heading.</summary>
    /// <param name="others">Flags that are no settings, by the group that they head.</param>
    public static IReadOnlyList<HelpSection> Sections(IReadOnlyList<(SettingGroup Group, Option Flag)> others) =>
    [
        .. SettingGroup.All.Select(group => new HelpSection(
            group.Title,
            [
                .. others.Where(other => other.Group == group)
                    .Select(static other => new HelpEntry($"{other.Flag.Name} {other.Flag.HelpName}", other.Flag.Description!)),
                .. SettingsTable.All.Where(setting => setting.Group == group).Select(EntryOf),
            ])),
    ];

    private static HelpEntry EntryOf(Setting setting)
    {
        var name = !setting.Group.IsOfFlags ? $"{setting.Key}={setting.Placeholder}"
            : setting.IsSwitch ? setting.Flag
            : $"{setting.Flag} {setting.Placeholder}";
        var choices = setting.Choices.Length == 0 ? "" : ": " + setting.Choices;
        var note = setting.ScopeNote.Length == 0 ? "" : $" ({setting.ScopeNote})";
        return new(name, $"{setting.Help}{choices}{note}", setting.DefaultText, setting.Scopes.HasFlag(SettingScopes.RunAndAgent));
    }
}
