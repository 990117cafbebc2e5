using System.Globalization;
using System.Text;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>Makes the text between the braces of a sample: <c>agent="waf",event="request_headers"</c>.</summary>
internal static class LabelText
{
    /// <summary>Label of the series that takes what exceeds the bound; no tag can come out as it.</summary>
    public const string Overflow = "overflow=\"true\"";

    /// <summary>Longest value that is shown, in UTF-16 units; the rest is cut. Ids in a configuration are far shorter.</summary>
    public const int MaxValueLength = 256;

    /// <summary>The labels of a tag set, in the order of their names. Empty values are left out: to Prometheus they are absent.</summary>
    /// <remarks>Well-formed Unicode: a lone surrogate becomes U+FFFD. Of tags that come out under one name, the last counts.</remarks>
    public static string Of(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (ref readonly var tag in tags)
        {
            labels[PrometheusNames.Label(tag.Key)] = Value(tag.Value);
        }

        var text = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            if (value.Length > 0)
            {
                text.Append(text.Length > 0 ? "," : "").Append(name).Append("=\"");
                Escape(text, value);
                text.Append('"');
            }
        }

        return text.ToString();
    }

    private static string Value(object? value)
    {
        var text = value switch
        {
            null => "",
            string given => given,
            true => "true",
            false => "false",
            IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };
        return text.Length <= MaxValueLength ? text : text[..MaxValueLength];
    }

    private static void Escape(StringBuilder text, string value)
    {
        foreach (var rune in value.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '\\' => text.Append("\\\\"),
                '"' => text.Append("\\\""),
                '\n' => text.Append("\\n"),
                _ => text.Append(rune.ToString()),
            };
        }
    }
}
