using System.Globalization;
using System.Text.Json;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>The kinds of values that settings have.</summary>
internal static class Formats
{
    /// <summary>What stands for no end and no limit.</summary>
    public const string None = "none";

    /// <summary>What a duration looks like, as a regular expression.</summary>
    public const string DurationPattern = "[0-9]*[.]?[0-9]+(ms|s|m|h)";

    /// <summary>Yes or no; in a file every spelling of YAML's, because nobody knows by heart which counts.</summary>
    public static ValueFormat<bool> YesNo { get; } = Words(("yes", true), ("no", false)) with
    {
        FileFormat = Words(("yes", true), ("no", false), ("true", true), ("false", false), ("on", true), ("off", false)) with
        {
            Form = new ValueForm { Words = ["yes", "no", "true", "false", "on", "off"], IsSwitch = true },
        },
    };

    /// <summary>What an agent or an exchange gets where inspection fails.</summary>
    public static ValueFormat<FailureMode> FailureMode { get; } = Names<FailureMode>();

    /// <summary>What a proxy's filter does with the bodies of requests.</summary>
    public static ValueFormat<RequestBodies> RequestBodies { get; } = Words(
        ("no", Configuration.RequestBodies.Kept), ("sign", Configuration.RequestBodies.Signed), ("yes", Configuration.RequestBodies.Shown));

    /// <summary>A whole number.</summary>
    /// <param name="min">The least.</param>
    /// <param name="max">The most.</param>
    /// <param name="unit">What it counts, in the plural; empty for nothing.</param>
    /// <param name="zero">The word for 0, where there is one and 0 is below the least.</param>
    public static ValueFormat<int> Number(int min, int max, string unit, string? zero = null)
    {
        var orZero = zero is null ? "" : $" or {zero}";
        var counted = unit.Length == 0 ? "" : " " + unit;
        bool Read(string text, Action<string> error, out int value)
        {
            value = 0;
            if (text == zero)
            {
                return true;
            }

            var digits = text.AsSpan(text.StartsWith('-') ? 1 : 0);
            if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
            {
                error($"{text} is not a whole number; give {min} to {max}{counted}{orZero}");
                return false;
            }

            var isInt = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
            if (isInt && value >= min && value <= max)
            {
                return true;
            }

            var isBelow = text[0] == '-' || (isInt && value < min);
            error($"{text} is {(isBelow ? "below" : "above")} {(isBelow ? min : max)}{counted}; give {min} to {max}{orZero}");
            return false;
        }

        return new(
            zero is null ? "N" : $"N|{zero}", $"{min} to {max}", Read,
            value => value == 0 && zero is not null ? zero : value.ToString(CultureInfo.InvariantCulture))
        {
            Unit = unit,
            Form = new ValueForm { Bounds = (min, max), Words = zero is null ? [] : [zero] },
        };
    }

    /// <summary>A share of a hundred; in a file with its sign, as every value there has its unit.</summary>
    public static ValueFormat<int> Percent(int min, int max)
    {
        var number = Number(min, max, "percent");
        bool Read(string text, Action<string> error, out int value)
        {
            value = 0;
            if (text.EndsWith('%'))
            {
                return number.TryRead(text[..^1], error, out value);
            }

            error($"{text} has no unit; write {min}% to {max}%");
            return false;
        }

        return number with
        {
            FileFormat = new("N%", $"{min}% to {max}%", Read, value => number.Write(value) + "%") { Form = new() { Pattern = "[0-9]+%" } },
        };
    }

    /// <summary>A duration above zero and up to a day; where that is allowed also none, which is <see cref="TimeSpan.MaxValue"/>.</summary>
    public static ValueFormat<TimeSpan> Duration(bool canBeNone = false)
    {
        bool Read(string text, Action<string> error, out TimeSpan value)
        {
            value = TimeSpan.MaxValue;
            if ((canBeNone && text == None) || Durations.TryParse(text, out value))
            {
                return true;
            }

            error($"{text} is not a duration above zero and up to 24h; write 120ms, 2s{(canBeNone ? $", 5m or {None}" : " or 5m")}");
            return false;
        }

        return new(
            canBeNone ? $"DURATION|{None}" : "DURATION", "up to 24h", Read,
            static value => value == TimeSpan.MaxValue ? None : Durations.Format(value))
        {
            Form = new ValueForm { Pattern = DurationPattern, Words = canBeNone ? [None] : [] },
        };
    }

    /// <summary>A size in bytes; where that is allowed also none, which is <see cref="long.MaxValue"/>.</summary>
    public static ValueFormat<long> Size(long min = 1, long max = long.MaxValue, bool canBeNone = false)
    {
        var range = max == long.MaxValue ? "" : $"{ByteSizes.Format(min)} to {ByteSizes.Format(max)}";
        bool Read(string text, Action<string> error, out long value)
        {
            value = long.MaxValue;
            if (canBeNone && text == None)
            {
                return true;
            }

            if (!ByteSizes.TryParse(text, out value))
            {
                error($"{text} is not a size above zero; write 4096, 64KiB{(canBeNone ? $", 1MiB or {None}" : " or 1MiB")}");
                return false;
            }

            if (value >= min && value <= max)
            {
                return true;
            }

            error($"{text} is {(value < min ? "below" : "above")} {ByteSizes.Format(value < min ? min : max)}; give {range}");
            return false;
        }

        return new(
            canBeNone ? $"SIZE|{None}" : "SIZE", range, Read, static value => value == long.MaxValue ? None : ByteSizes.Format(value))
        {
            Form = new ValueForm { Pattern = "[0-9]+(B|KiB|MiB|GiB)?", Words = canBeNone ? [None] : [], IsNumeric = true },
        };
    }

    /// <summary>One of an enumeration's members, by its name in lower case with hyphens.</summary>
    /// <param name="placeholder">What help shows for them all; they themselves when it is empty.</param>
    /// <param name="first">The first that can be written.</param>
    public static ValueFormat<T> Names<T>(string placeholder = "", T first = default)
        where T : struct, Enum => Words(placeholder, [
            .. Enum.GetValues<T>().Where(value => value.CompareTo(first) >= 0)
                .Select(static value => (JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()), value))]);

    /// <summary>One of some words; help shows them unless there is a shorter placeholder.</summary>
    public static ValueFormat<T> Words<T>(params (string Word, T Value)[] words) => Words("", words);

    /// <summary>One of many words, for which a placeholder stands.</summary>
    public static ValueFormat<T> Words<T>(string placeholder, params (string Word, T Value)[] words)
    {
        var all = Array.ConvertAll(words, static word => word.Word);
        bool Read(string text, Action<string> error, out T value)
        {
            var at = Array.IndexOf(all, text);
            value = at < 0 ? default! : words[at].Value;
            if (at < 0)
            {
                error($"{text} is none of {string.Join(", ", all)}{Nearest.Hint(text, all)}");
            }

            return at >= 0;
        }

        string Write(T value) => words.First(word => EqualityComparer<T>.Default.Equals(word.Value, value)).Word;
        var form = new ValueForm { Words = all };
        return placeholder.Length > 0
            ? new(placeholder, "", Read, Write) { Choices = string.Join(", ", all), Form = form }
            : new(string.Join('|', all), "", Read, Write) { Form = form };
    }

    /// <summary>Text that is taken as it is.</summary>
    /// <param name="placeholder">What it names.</param>
    /// <param name="problemOf">What is wrong with it, after the text itself; null when nothing is.</param>
    public static ValueFormat<string?> Text(string placeholder, Func<string, string?>? problemOf = null)
    {
        bool Read(string text, Action<string> error, out string? value)
        {
            value = text;
            var problem = problemOf?.Invoke(text);
            if (problem is not null)
            {
                error($"{(text.Length == 0 ? "''" : text)} {problem}");
            }

            return problem is null;
        }

        return new(placeholder, "", Read, static value => value ?? "");
    }

    /// <summary>The path of a file.</summary>
    /// <param name="problemOf">What is wrong with it, after the path itself; null when nothing is.</param>
    public static ValueFormat<string?> File(Func<string, string?>? problemOf = null) =>
        Text("FILE", problemOf) with { Form = new ValueForm { IsPath = true } };

    /// <summary>Text in parts that <c>+</c> separates, at least one unless it may be empty.</summary>
    /// <param name="placeholder">What it names.</param>
    /// <param name="canBeEmpty">Whether nothing means none.</param>
    /// <param name="problemOf">What is wrong with a part, after the part itself; null when nothing is.</param>
    public static ValueFormat<IReadOnlyList<string>?> List(
        string placeholder, bool canBeEmpty = false, Func<string, string?>? problemOf = null)
    {
        bool Read(IReadOnlyList<string> parts, Action<string> error, out IReadOnlyList<string>? value)
        {
            value = parts;
            var isFine = true;
            foreach (var part in parts)
            {
                if (problemOf?.Invoke(part) is { } problem)
                {
                    error($"{part} {problem}");
                    isFine = false;
                }
            }

            return isFine;
        }

        return Parted<IReadOnlyList<string>?>(
            placeholder, Read, static value => value ?? [], new() { Shape = ValueShape.List }, canBeEmpty);
    }

    /// <summary>A value in parts, which <c>+</c> joins in one text.</summary>
    /// <param name="placeholder">What help shows in its place.</param>
    /// <param name="read">Reads at least one part, or none where it can be empty.</param>
    /// <param name="write">Writes the parts.</param>
    /// <param name="form">How it is written in a file.</param>
    /// <param name="canBeEmpty">Whether nothing means none.</param>
    public static ValueFormat<T> Parted<T>(
        string placeholder, PartsReader<T> read, Func<T, IReadOnlyList<string>> write, ValueForm form, bool canBeEmpty = false)
    {
        bool ReadText(string text, Action<string> error, out T value)
        {
            value = default!;
            var parts = text.Split('+', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length > 0 || (canBeEmpty && text.Length == 0))
            {
                return read(parts, error, out value);
            }

            error($"{text} names nothing");
            return false;
        }

        return new(placeholder, "", ReadText, value => string.Join('+', write(value)))
        {
            CanBeEmpty = canBeEmpty,
            Form = form,
            ReadingParts = read,
            WritingParts = write,
        };
    }
}
