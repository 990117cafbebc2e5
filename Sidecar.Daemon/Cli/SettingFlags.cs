using System.CommandLine;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Cli;

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

    /// <summary>What was given, as far as it can be read; the rest is added to the problems.</summary>
    public static SettingValues Read(ParseResult result, List<string> problems)
    {
        var values = SettingValues.Empty;
        foreach (var (setting, option) in Flags)
        {
            if (result.GetResult(option) is { Implicit: false } given)
            {
                var text = option is Option<bool> toggle
                    ? Formats.YesNo.Write(result.GetValue(toggle))
                    : string.Join('+', given.Tokens.Select(static token => token.Value));
                void Report(string problem) => problems.Add($"{setting.Flag}: {problem}");
                if (text.Length > 0 || setting.CanBeEmpty)
                {
                    values = setting.Read(text, values, Report);
                }
                else
                {
                    Report($"has no value; write {setting.Flag} {setting.Placeholder}");
                }
            }
        }

        return values;
    }

    private static Option OptionOf(Setting setting) => setting.IsSwitch ? new Option<bool>(setting.Flag)
        : setting.IsRepeatable ? FlagTypes.Many(setting.Flag, setting.Placeholder, setting.Help)
        : new Option<string>(setting.Flag);
}
