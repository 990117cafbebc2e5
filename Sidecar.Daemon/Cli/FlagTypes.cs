using System.CommandLine;
using System.CommandLine.Parsing;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Cli;

/// <summary>Options of the kinds that several commands have, with messages that say what to write instead.</summary>
internal static class FlagTypes
{
    /// <summary>
    /// A duration, or <c>none</c> for no end where that is allowed; null when absent. Help shows the default in the words in which it would be written.
    /// </summary>
    public static Option<TimeSpan?> Duration(string name, TimeSpan fallback, string description, bool canBeUnlimited = false) => new(name)
    {
        Description = $"{description} [default: {Durations.Format(fallback)}]",
        HelpName = "DURATION",
        CustomParser = result => canBeUnlimited && result.Tokens[0].Value == "none" ? TimeSpan.MaxValue : ParseDuration(result, name),
    };

    /// <summary>A whole number; null when absent. Help shows the default.</summary>
    public static Option<int?> Number(string name, int fallback, string description) =>
        Number(name, fallback.ToString(System.Globalization.CultureInfo.InvariantCulture), description);

    /// <summary>A whole number whose default is said in words.</summary>
    public static Option<int?> Number(string name, string fallback, string description) => new(name)
    {
        Description = $"{description} [default: {fallback}]",
        HelpName = "N",
        CustomParser = result => ParseNumber(result, name),
    };

    /// <summary>A size in bytes; null when absent. Help shows the default.</summary>
    public static Option<long?> Size(string name, long fallback, string description) => new(name)
    {
        Description = $"{description} [default: {ByteSizes.Format(fallback)}]",
        HelpName = "SIZE",
        CustomParser = result => ParseSize(result, name),
    };

    /// <summary>One of some words; null when absent. Help shows them and the default.</summary>
    public static Option<T?> Word<T>(string name, string helpName, (string Word, T Value)[] words, T fallback, string description)
        where T : struct => new(name)
        {
            Description = $"{description}: {Join(words)} [default: {words.First(word => Equals(word.Value, fallback)).Word}]",
            HelpName = helpName,
            CustomParser = result => ParseWord(result, name, words),
        };

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

    private static string Join<T>((string Word, T Value)[] words) => string.Join(", ", words.Select(static word => word.Word));

    private static T? ParseWord<T>(ArgumentResult result, string name, (string Word, T Value)[] words)
        where T : struct
    {
        var text = result.Tokens[0].Value;
        foreach (var (word, value) in words)
        {
            if (word == text)
            {
                return value;
            }
        }

        result.AddError($"{name} {text} is none of {Join(words)}");
        return null;
    }

    private static TimeSpan? ParseDuration(ArgumentResult result, string name)
    {
        var text = result.Tokens[0].Value;
        if (!Durations.TryParse(text, out var duration))
        {
            result.AddError($"{name} {text} is not a duration above zero; write 120ms, 2s or 5m");
        }

        return duration;
    }

    private static long? ParseSize(ArgumentResult result, string name)
    {
        var text = result.Tokens[0].Value;
        if (!ByteSizes.TryParse(text, out var bytes))
        {
            result.AddError($"{name} {text} is not a size above zero; write 4096, 64KiB or 1MiB");
        }

        return bytes;
    }

    private static int? ParseNumber(ArgumentResult result, string name)
    {
        var text = result.Tokens[0].Value;
        if (!int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number))
        {
            result.AddError($"{name} {text} is not a whole number");
        }

        return number;
    }
}
