using System.Globalization;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the small language of flags: <c>head[,key=value]…</c>. Collects every error instead of stopping at the first.</summary>
internal sealed class FlagText
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _written = new(StringComparer.Ordinal);
    private readonly List<string> _errors;
    private readonly string _flag;
    private readonly string _text;

    /// <summary>Splits a flag's text.</summary>
    /// <param name="flag">The flag, for messages, for example <c>--agent</c>.</param>
    /// <param name="text">What the operator wrote.</param>
    /// <param name="keys">The keys that may follow the head.</param>
    /// <param name="errors">Takes every error.</param>
    /// <param name="emptyLists">The keys whose list may be empty: <c>key=</c> means none.</param>
    public FlagText(string flag, string text, IReadOnlyList<string> keys, List<string> errors, params ReadOnlySpan<string> emptyLists)
    {
        (_flag, _text, _errors) = (flag, text, errors);
        var parts = text.Split(',');
        Head = parts[0].Trim();
        foreach (var part in parts.AsSpan(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var key = (equals < 0 ? part : part[..equals]).Trim();
            if (equals < 0 || !keys.Contains(key))
            {
                Error($"'{part.Trim()}' is none of {string.Join(", ", keys.Select(static known => known + "=…"))}");
            }
            else if (!_written.Add(key))
            {
                Error($"'{key}' is given twice");
            }
            else if (part.AsSpan(equals + 1).IsWhiteSpace() && !emptyLists.Contains(key))
            {
                // Taken as a value it would mean no file, no group, any host or no event: never what was meant.
                Error($"'{key}=' has no value");
            }
            else
            {
                _values.Add(key, part[(equals + 1)..].Trim());
            }
        }
    }

    /// <summary>What stands before the first comma.</summary>
    public string Head { get; }

    /// <summary>Whether a key was written, with whatever value.</summary>
    public bool IsWritten(string key) => _written.Contains(key);

    /// <summary>A value as text; null when absent.</summary>
    public string? Text(string key) => _values.GetValueOrDefault(key);

    /// <summary>A list separated by <c>+</c>, at least one entry unless it is written empty; null when absent or wrong.</summary>
    public IReadOnlyList<string>? List(string key)
    {
        var list = Text(key)?.Split('+', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (list is not [] || Text(key) is "")
        {
            return list;
        }

        Error($"{key}={Text(key)} names nothing");
        return null;
    }

    /// <summary>A duration such as <c>120ms</c>, <c>2s</c>, <c>5m</c>, or <c>none</c> for no end where that is allowed; null when absent or wrong.</summary>
    public TimeSpan? Duration(string key, bool canBeUnlimited = false)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (canBeUnlimited && text == "none")
        {
            return TimeSpan.MaxValue;
        }

        if (Durations.TryParse(text, out var duration))
        {
            return duration;
        }

        Error($"{key}={text} is not a duration above zero; write 120ms, 2s{(canBeUnlimited ? ", 5m or none" : " or 5m")}");
        return null;
    }

    /// <summary>A size such as <c>64KiB</c>, or <c>none</c> for no limit where that is allowed; null when absent or wrong.</summary>
    public long? Size(string key, bool canBeUnlimited = false)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (canBeUnlimited && text == "none")
        {
            return long.MaxValue;
        }

        if (ByteSizes.TryParse(text, out var bytes))
        {
            return bytes;
        }

        Error($"{key}={text} is not a size above zero; write 4096, 64KiB, 1MiB{(canBeUnlimited ? " or none" : "")}");
        return null;
    }

    /// <summary>A whole number in a range; null when absent or wrong.</summary>
    public int? Number(string key, int min, int max)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        Error($"{key}={text} is not a whole number from {min} to {max}");
        return null;
    }

    /// <summary>One of some words; null when absent or wrong.</summary>
    public T? Word<T>(string key, params ReadOnlySpan<(string Word, T Value)> words)
        where T : struct
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        var known = new List<string>();
        foreach (var (word, value) in words)
        {
            if (word == text)
            {
                return value;
            }

            known.Add(word);
        }

        Error($"{key}={text} is none of {string.Join(", ", known)}");
        return null;
    }

    /// <summary>Adds an error about this flag.</summary>
    public void Error(string message) => _errors.Add($"{_flag} '{_text}': {message}");
}
