using System.CommandLine;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Cli;

/// <summary>Options of the kinds that several commands have, with messages that say what to write instead.</summary>
internal static class FlagTypes
{
    /// <summary>Any text; null when absent.</summary>
    public static Option<string?> Text(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName };

    /// <summary>A flag without value.</summary>
    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    /// <summary>A duration. Help shows the default as it would be written, unless there are words for it.</summary>
    public static Option<TimeSpan> Duration(string name, TimeSpan fallback, string description, string? words = null) =>
        Value(name, Formats.Duration(), fallback, words ?? Formats.Duration().Write(fallback), description);

    /// <summary>A whole number in a range. Help shows the default.</summary>
    public static Option<int> Number(string name, int fallback, (int Min, int Max) range, string unit, string description) =>
        Value(name, Formats.Number(range.Min, range.Max, unit), fallback, $"{fallback} {unit}".TrimEnd(), description);

    /// <summary>A size in bytes. Help shows the default.</summary>
    public static Option<long> Size(string name, long fallback, long max, string description) =>
        Value(name, Formats.Size(1, max), fallback, ByteSizes.Format(fallback), description);

    /// <summary>Text that may be given many times, never without a value.</summary>
    public static Option<string[]> Many(string name, string helpName, string description)
    {
        // Where the arity said that a value must follow, the next flag would be taken for it.
        var option = new Option<string[]>(name) { Description = description, HelpName = helpName, Arity = ArgumentArity.ZeroOrMore };
        option.Validators.Add(result =>
        {
            if (result.IdentifierTokenCount > result.Tokens.Count)
            {
                result.AddError($"{name} has no value; write {name} {helpName}");
            }
        });
        return option;
    }

    /// <summary>A value; the fallback when absent, of which help shows what it is.</summary>
    public static Option<T> Value<T>(string name, ValueFormat<T> format, T fallback, string shown, string description)
        where T : struct => new(name)
        {
            Description = $"{description} [{shown}]",
            HelpName = format.Placeholder,
            DefaultValueFactory = _ => fallback,
            CustomParser = result =>
                format.TryRead(result.Tokens[0].Value, problem => result.AddError($"{name}: {problem}"), out var value) ? value : fallback,
        };
}

/// <summary>The settings of the whole daemon as flags of a command.</summary>
internal static class SettingFlags
{
    private static readonly List<(Setting Setting, Option Option)> Flags =
        [.. SettingsTable.Of(SettingScopes.Run).Select(static setting => (setting, OptionOf(setting)))];

    /// <summary>Adds the flags to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (var (_, option) in Flags)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The flag of a setting that has no value.</summary>
    public static Option<bool> SwitchOf(Setting setting) => (Option<bool>)Flags.First(flag => flag.Setting == setting).Option;

    /// <summary>What was given.</summary>
    public static IReadOnlyList<(Setting Setting, string Text)> Written(ParseResult result)
    {
        var written = new List<(Setting Setting, string Text)>();
        foreach (var (setting, option) in Flags)
        {
            if (result.GetResult(option) is { Implicit: false } given)
            {
                var text = option is Option<bool> toggle
                    ? Formats.YesNo.Write(result.GetValue(toggle))
                    : string.Join('+', given.Tokens.Select(static token => token.Value));
                written.Add((setting, text));
            }
        }

        return written;
    }

    private static Option OptionOf(Setting setting) => setting.IsSwitch ? new Option<bool>(setting.Flag)
        : setting.IsRepeatable ? FlagTypes.Many(setting.Flag, setting.Placeholder, setting.Help)
        : new Option<string>(setting.Flag);
}
