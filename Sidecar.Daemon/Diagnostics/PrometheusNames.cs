using System.Text;
using System.Text.RegularExpressions;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>Turns names and units of instruments into names of metrics and labels, by the conventions of Prometheus.</summary>
internal static partial class PrometheusNames
{
    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["s"] = "seconds",
        ["ms"] = "milliseconds",
        ["us"] = "microseconds",
        ["ns"] = "nanoseconds",
        ["min"] = "minutes",
        ["h"] = "hours",
        ["d"] = "days",
        ["By"] = "bytes",
        ["KiBy"] = "kibibytes",
        ["MiBy"] = "mebibytes",
        ["%"] = "percent",
        ["Cel"] = "celsius",
    };

    /// <summary>Throws when <paramref name="prefix"/> cannot begin the name of a metric.</summary>
    /// <exception cref="ArgumentException">It is empty or has a character that names may not have.</exception>
    public static void CheckPrefix(string prefix)
    {
        if (!Prefix().IsMatch(prefix))
        {
            throw new ArgumentException(
                $"The metric prefix is '{prefix}'; it must be a letter followed by letters, digits and underscores, such as 'sidecar'.",
                nameof(prefix));
        }
    }

    /// <summary>Name of the metric of an instrument: prefix, name, unit, and <c>total</c> for a counter; no word twice.</summary>
    public static string Metric(string prefix, string instrument, string? unit, MetricKind kind)
    {
        var name = Words($"{prefix}_{instrument}");
        var isTotal = kind is MetricKind.Counter;
        if (isTotal && name.EndsWith("_total", StringComparison.Ordinal))
        {
            name = name[..^"_total".Length];
        }

        if (Unit(unit, kind) is { Length: > 0 } suffix && !name.EndsWith("_" + suffix, StringComparison.Ordinal))
        {
            name += "_" + suffix;
        }

        return isTotal ? name + "_total" : name;
    }

    /// <summary>Name of the label of a tag. Reserved names, and those that begin as no name may, get <c>tag_</c> in front.</summary>
    public static string Label(string tag)
    {
        var name = Words(tag);
        var reserved = name is "" or "le" or "quantile" or "overflow"
            || name.StartsWith("__", StringComparison.Ordinal)
            || char.IsAsciiDigit(name[0]);
        return reserved ? "tag_" + name : name;
    }

    // Units are UCUM: an annotation in braces only says what is counted, a slash means per.
    private static string Unit(string? unit, MetricKind kind)
    {
        var parts = Annotation().Replace(unit ?? "", "").Split('/', 2);
        var of = parts[0] switch
        {
            "1" => kind is MetricKind.Gauge && parts.Length == 1 ? "ratio" : "",
            var known when Units.TryGetValue(known, out var word) => word,
            var other => Words(other),
        };
        if (parts is not [_, var per])
        {
            return of;
        }

        var perWord = Units.TryGetValue(per, out var plural) ? plural.TrimEnd('s') : Words(per);
        return (of, perWord) switch
        {
            (_, "") => of,
            ("", _) => "per_" + perWord,
            _ => $"{of}_per_{perWord}",
        };
    }

    private static string Words(string name)
    {
        var words = new StringBuilder(name);
        for (var i = 0; i < words.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(words[i]))
            {
                words[i] = '_';
            }
        }

        return words.ToString();
    }

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_]*\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Prefix();

    [GeneratedRegex(@"\{[^}]*\}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Annotation();
}
