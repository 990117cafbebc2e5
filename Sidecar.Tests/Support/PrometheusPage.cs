using System.Globalization;
using System.Text.RegularExpressions;

namespace Sidecar.Tests.Support;

/// <summary>Reads the text format 0.0.4 as strictly as Prometheus does, and more: whatever is odd about a page throws, with the line.</summary>
internal sealed partial class PrometheusPage
{
    private readonly Dictionary<string, string> _types = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> _samples = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (double Bound, double Count)> _buckets = new(StringComparer.Ordinal);
    private string _helped = "";
    private string _family = "";

    /// <summary>Reads a page.</summary>
    /// <exception cref="FormatException">Something is wrong with it.</exception>
    public PrometheusPage(string text)
    {
        if (text.Length > 0 && !text.EndsWith('\n'))
        {
            throw new FormatException("the page does not end with a line feed");
        }

        foreach (var line in text.Split('\n').SkipLast(1))
        {
            Take(line);
        }

        EndFamily();
    }

    /// <summary>The type of each metric.</summary>
    public IReadOnlyDictionary<string, string> Types => _types;

    /// <summary>The value of each series, by its name and labels as they are written.</summary>
    public IReadOnlyDictionary<string, double> Samples => _samples;

    private void Take(string line)
    {
        if (line.StartsWith("# HELP ", StringComparison.Ordinal))
        {
            EndFamily();
            _helped = Matched(HelpLine(), line).Groups["name"].Value;
        }
        else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
        {
            var type = Matched(TypeLine(), line);
            _family = type.Groups["name"].Value;
            Require(_family == _helped, "the type does not follow the help", line);
            Require(_types.TryAdd(_family, type.Groups["type"].Value), "the metric came before", line);
        }
        else
        {
            TakeSample(line);
        }
    }

    private void TakeSample(string line)
    {
        var sample = Matched(SampleLine(), line);
        var (name, labels) = (sample.Groups["name"].Value, sample.Groups["label"].Captures.Select(static label => label.Value).ToList());
        var isHistogram = _types.GetValueOrDefault(_family) == "histogram";
        Require(
            isHistogram ? name == _family + "_bucket" || name == _family + "_sum" || name == _family + "_count" : name == _family,
            $"the sample does not belong to {_family}", line);
        Require(labels.Select(static label => label.Split('=')[0]).Distinct().Count() == labels.Count, "a label is there twice", line);
        var value = Number(sample.Groups["value"].Value);
        Require(_samples.TryAdd($"{name}{{{string.Join(',', labels)}}}", value), "the series is there twice", line);
        var series = string.Join(',', labels.Where(static label => !label.StartsWith("le=", StringComparison.Ordinal)));
        if (name.EndsWith("_bucket", StringComparison.Ordinal) && isHistogram)
        {
            var bound = Number(labels.Single(static label => label.StartsWith("le=", StringComparison.Ordinal))[4..^1]);
            var before = _buckets.GetValueOrDefault(series, (double.NegativeInfinity, 0));
            Require(bound > before.Item1 && value >= before.Item2, "the buckets do not rise", line);
            _buckets[series] = (bound, value);
        }
        else if (name.EndsWith("_count", StringComparison.Ordinal) && isHistogram)
        {
            Require(_buckets.Remove(series, out var last) && double.IsPositiveInfinity(last.Bound) && last.Count == value, "the count is not the last bucket", line);
        }
    }

    private void EndFamily() => Require(_buckets.Count == 0, $"{_family} has buckets without a count", _buckets.Keys.FirstOrDefault() ?? "");

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    private static Match Matched(Regex pattern, string line)
    {
        var match = pattern.Match(line);
        Require(match.Success, "the line is none", line);
        return match;
    }

    private static void Require(bool condition, string what, string line)
    {
        if (!condition)
        {
            throw new FormatException($"{what}: {line}");
        }
    }

    [GeneratedRegex("""\A\# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) ([^\\]|\\\\|\\n)+\z""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex HelpLine();

    [GeneratedRegex("""\A\# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram)\z""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex TypeLine();

    [GeneratedRegex("""\A(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<label>[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*")(,(?<label>[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*"))*\})? (?<value>[-+]?(Inf|[0-9.]+(e[-+]?[0-9]+)?)|NaN)\z""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex SampleLine();
}
