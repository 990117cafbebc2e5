using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>What a benchmark run measured, for people and for programs.</summary>
internal static class BenchReport
{
    private static readonly (string Name, double Share)[] Percentiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

    public static string AsTable(BenchResult result)
    {
        var text = new StringBuilder();
        var done = result.Done;
        Line($"{result.What}: {done.Exchanges} exchanges, {done.Messages} messages sent and answered, in {result.Seconds:0.00} s");
        Line($"{result.Failures} failed{(result.FirstFailure is null ? "" : $" (first: {result.FirstFailure})")}");
        Line(result.WarmUp.IsStable
            ? $"warm-up: the rate was stable after {result.WarmUp.Took.TotalSeconds:0.0} s"
            : (FormattableString)$"warm-up: the rate was NOT stable after {result.WarmUp.Took.TotalSeconds:0.0} s");
        Line($"  {"exchanges/s",-24}{result.Done.Exchanges / result.Seconds,14:0}");
        Line($"  {"messages/s",-24}{result.Done.Messages / result.Seconds,14:0}");
        foreach (var (name, share) in Percentiles)
        {
            Line($"  {name + " µs",-24}{result.Latencies.Percentile(share),14:0.0}");
        }

        if (result.FailureLatencies.Count > 0)
        {
            Line($"  {"failures/s",-24}{result.FailureLatencies.Count / result.Seconds,14:0}");
            Line($"  {"p99 µs of failures",-24}{result.FailureLatencies.Percentile(0.99),14:0.0}");
        }

        Line($"  {"",-24}{"per message",14}{"per exchange",14}");
        foreach (var (name, cpu) in result.Processes)
        {
            Row("CPU µs, " + name, cpu?.TotalMicroseconds, cpu is null ? "ended" : "-");
        }

        Row("bytes allocated, client", result.AllocatedBytes, "-");
        return text.ToString().TrimEnd();

        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));

        void Row(string name, double? sum, string none) =>
            Line($"  {name,-24}{Number(result.PerMessage(sum)) ?? none,14}{Number(result.PerExchange(sum)) ?? none,14}");
    }

    /// <summary>One JSON object on one line.</summary>
    public static string AsJson(BenchResult result)
    {
        var json = new JsonObject
        {
            ["what"] = result.What,
            ["stable"] = result.WarmUp.IsStable,
            ["warmup_seconds"] = Math.Round(result.WarmUp.Took.TotalSeconds, 3),
            ["seconds"] = Math.Round(result.Seconds, 3),
            ["exchanges"] = result.Done.Exchanges,
            ["messages"] = result.Done.Messages,
            ["failures"] = result.Failures,
            ["first_failure"] = result.FirstFailure,
            ["exchanges_per_second"] = Math.Round(result.Done.Exchanges / result.Seconds),
            ["messages_per_second"] = Math.Round(result.Done.Messages / result.Seconds),
        };
        foreach (var (name, share) in Percentiles)
        {
            json[$"{name.Replace(".", "", StringComparison.Ordinal)}_us"] = Math.Round(result.Latencies.Percentile(share), 1);
        }

        json["failures_per_second"] = Math.Round(result.FailureLatencies.Count / result.Seconds);
        json["failures_p99_us"] = Math.Round(result.FailureLatencies.Percentile(0.99), 1);
        json["cpu_us_per_message"] = Cpu(result, result.PerMessage);
        json["cpu_us_per_exchange"] = Cpu(result, result.PerExchange);
        json["bytes_per_message"] = Rounded(result.PerMessage(result.AllocatedBytes));
        json["bytes_per_exchange"] = Rounded(result.PerExchange(result.AllocatedBytes));
        return json.ToJsonString();
    }

    private static JsonObject Cpu(BenchResult result, Func<double?, double?> share)
    {
        var all = new JsonObject();
        foreach (var (process, cpu) in result.Processes)
        {
            all[process] = Rounded(share(cpu?.TotalMicroseconds));
        }

        return all;
    }

    private static double? Rounded(double? value) => value is { } number ? Math.Round(number, 3) : null;

    private static string? Number(double? value) => value?.ToString("0.00", CultureInfo.InvariantCulture);
}

/// <summary>What a benchmark run measured.</summary>
/// <param name="What">What was driven, in words.</param>
/// <param name="WarmUp">How the warm-up went.</param>
/// <param name="Done">Exchanges and messages of this process in the seconds counted.</param>
/// <param name="Failures">Calls that ended without an answer, or with a refusal, since the start.</param>
/// <param name="FirstFailure">What the first failure was; null for none.</param>
/// <param name="Seconds">Seconds counted.</param>
/// <param name="Latencies">
/// How long the timed calls took: those of the event asked for, not what opens and ends its exchange.
/// </param>
/// <param name="FailureLatencies">How long those took that failed or were refused in the seconds counted.</param>
/// <param name="Processes">Processor time of each process in the seconds counted; null for one that ended.</param>
/// <param name="AllocatedBytes">Bytes that this process allocated.</param>
internal sealed record BenchResult(
    string What, WarmUp WarmUp, Tally Done, long Failures, string? FirstFailure, double Seconds, LatencyHistogram Latencies,
    LatencyHistogram FailureLatencies, IReadOnlyList<(string Name, TimeSpan? Cpu)> Processes, long AllocatedBytes)
{
    /// <summary>A sum over the seconds counted as a share of each message; null when none was answered.</summary>
    public double? PerMessage(double? sum) => Done.Messages == 0 ? null : sum / Done.Messages;

    /// <summary>A sum over the seconds counted as a share of each exchange; null when none came to its end.</summary>
    public double? PerExchange(double? sum) => Done.Exchanges == 0 ? null : sum / Done.Exchanges;
}
