using System.CommandLine;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Cli.Help;

/// <summary>What a page of help shows under one heading.</summary>
/// <param name="Title">The heading.</param>
/// <param name="Entries">A name each, with what it means.</param>
internal sealed record HelpSection(string Title, IReadOnlyList<HelpEntry> Entries);

/// <summary>One flag, key or command.</summary>
/// <param name="Name">How it is written, with what stands for its value.</param>
/// <param name="Text">What it means.</param>
/// <param name="Default">What counts without it; empty where nothing does.</param>
/// <param name="IsMarked">Whether it has a mark, which the page explains.</param>
internal sealed record HelpEntry(string Name, string Text, string Default = "", bool IsMarked = false);

/// <summary>A command whose flags help shows under headings of its own.</summary>
internal sealed class SectionedCommand(string name, string description) : Command(name, description)
{
    /// <summary>What help says above them; null for nothing.</summary>
    public string? Note { get; init; }

    /// <summary>The headings, with every flag of the command below one of them.</summary>
    public IReadOnlyList<HelpSection> Sections { get; init; } = [];
}

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
