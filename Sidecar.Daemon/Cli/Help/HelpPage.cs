using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Cli.Help;

/// <summary>Help in 80 columns: one flag, key or command a line, and what it means beside it.</summary>
internal sealed class HelpPage : SynchronousCommandLineAction
{
    /// <summary>Columns of a line.</summary>
    public const int Width = 80;

    // The longest flag of a setting with its value fits before it.
    private const int TextColumn = 29;

    /// <summary>Makes it the help of a command and of those below it.</summary>
    public static void AddTo(Command root)
    {
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpPage();
        }
    }

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.Write(Of(parseResult.CommandResult.Command));
        return ExitCodes.Ok;
    }

    /// <summary>The help of a command.</summary>
    public static string Of(Command command)
    {
        var page = new StringBuilder();
        AddWrapped(page, command.Description ?? "", 0, 0);
        page.Append('\n');
        AddWrapped(page, $"Usage: {UsageOf(command)}", 0, 7);
        if (command is SectionedCommand { Note: { } note })
        {
            page.Append('\n');
            AddWrapped(page, note, 0, 0);
        }

        foreach (var section in SectionsOf(command).Where(static section => section.Entries.Count > 0))
        {
            page.Append('\n').Append(section.Title).Append(":\n");
            foreach (var entry in section.Entries)
            {
                Add(page, entry);
            }
        }

        return page.ToString();
    }

    private static IEnumerable<HelpSection> SectionsOf(Command command)
    {
        if (command.Subcommands.Count > 0)
        {
            yield return new("Commands", [.. command.Subcommands.Select(static one => new HelpEntry(NameOf(one), one.Description ?? ""))]);
        }

        if (command.Arguments.Count > 0)
        {
            yield return new(
                "Arguments", [.. command.Arguments.Select(static one => new HelpEntry(one.HelpName ?? one.Name, one.Description ?? ""))]);
        }

        var sections = (command as SectionedCommand)?.Sections ?? [];
        foreach (var section in sections)
        {
            yield return section;
        }

        var isListed = sections.Count > 0;
        var own = isListed ? [] : command.Options.Where(static option => option is not HelpOption);
        var inherited =
            command.Parents.OfType<Command>().SelectMany(static parent => parent.Options).Where(static option => option.Recursive);
        yield return new(
            isListed ? "Help" : "Options",
            [.. own.Concat(inherited).Concat(command.Options.OfType<HelpOption>()).Distinct().Select(EntryOf)]);
    }

    /// <summary>An option as help shows it.</summary>
    public static HelpEntry EntryOf(Option option) => option is HelpOption
        ? new("-h, --help", "Show this page")
        : new(NameOf(option), option.Description ?? "");

    // The short name first, as everywhere.
    private static string NameOf(Option option) =>
        string.Join(", ", [.. option.Aliases, option.Name]) + (option.HelpName is { } value ? " " + value : "");

    private static string NameOf(Command command) =>
        string.Join(' ', [command.Name, .. command.Arguments.Select(static one => one.HelpName ?? one.Name)]);

    private static string UsageOf(Command command)
    {
        var words = NameOf(command) + (command.Subcommands.Count > 0 ? " COMMAND" : "") + (command.Options.Count > 0 ? " [options]" : "");
        for (var parent = ParentOf(command); parent is not null; parent = ParentOf(parent))
        {
            words = $"{(parent is RootCommand ? "sidecar" : parent.Name)} {words}";
        }

        return command is RootCommand ? "sidecar COMMAND [options]" : words;
    }

    private static Command? ParentOf(Command command) => command.Parents.OfType<Command>().FirstOrDefault();

    private static void Add(StringBuilder page, HelpEntry entry)
    {
        var name = (entry.IsMarked ? "* " : "  ") + entry.Name;
        if (name.Length > TextColumn - 2)
        {
            page.Append(name).Append('\n');
            name = "";
        }

        page.Append(name.PadRight(TextColumn));
        AddWrapped(page, entry.Text, TextColumn, TextColumn, entry.Default.Length == 0 ? null : $"[{entry.Default}]");
    }

    // Continues at a column to which the line is filled already. The end is kept together where that is possible.
    private static void AddWrapped(StringBuilder page, string text, int column, int indent, string? end = null)
    {
        var at = column;
        IEnumerable<string> ending = end is null ? [] : end.Length <= Width - indent ? [end] : end.Split(' ');
        foreach (var word in text.Split(' ').Concat(ending))
        {
            if (at > column && at + 1 + word.Length > Width)
            {
                page.Append('\n').Append(' ', indent);
                (at, column) = (indent, indent);
            }
            else if (at > column)
            {
                page.Append(' ');
                at++;
            }

            page.Append(word);
            at += word.Length;
        }

        page.Append('\n');
    }
}

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
                    .Select(static other => HelpPage.EntryOf(other.Flag)),
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
