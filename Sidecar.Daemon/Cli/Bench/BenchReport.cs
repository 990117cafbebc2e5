using System.Globalization;
using System.Text;
using System.Text.Json;

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
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("what", result.What);
            json.WriteBoolean("stable", result.WarmUp.IsStable);
            json.WriteNumber("warmup_seconds", Math.Round(result.WarmUp.Took.TotalSeconds, 3));
            json.WriteNumber("seconds", Math.Round(result.Seconds, 3));
            json.WriteNumber("exchanges", result.Done.Exchanges);
            json.WriteNumber("messages", result.Done.Messages);
            json.WriteNumber("failures", result.Failures);
            json.WriteString("first_failure", result.FirstFailure);
            json.WriteNumber("exchanges_per_second", Math.Round(result.Done.Exchanges / result.Seconds));
            json.WriteNumber("messages_per_second", Math.Round(result.Done.Messages / result.Seconds));
            foreach (var (name, share) in Percentiles)
            {
                json.WriteNumber(
                    $"{name.Replace(".", "", StringComparison.Ordinal)}_us", Math.Round(result.Latencies.Percentile(share), 1));
            }

            WriteCpu(json, "cpu_us_per_message", result, result.PerMessage);
            WriteCpu(json, "cpu_us_per_exchange", result, result.PerExchange);
            Write(json, "bytes_per_message", result.PerMessage(result.AllocatedBytes));
            Write(json, "bytes_per_exchange", result.PerExchange(result.AllocatedBytes));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void WriteCpu(Utf8JsonWriter json, string name, BenchResult result, Func<double?, double?> share)
    {
        json.WriteStartObject(name);
        foreach (var (process, cpu) in result.Processes)
        {
            Write(json, process, share(cpu?.TotalMicroseconds));
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, Math.Round(number, 3));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static string? Number(double? value) => value?.ToString("0.00", CultureInfo.InvariantCulture);
}

/// <summary>What a benchmark run measured.</summary>
internal sealed record BenchResult
{
    /// <summary>What was driven, in words.</summary>
    public required string What { get; init; }

    /// <summary>How the warm-up went.</summary>
    public required WarmUp WarmUp { get; init; }

    /// <summary>Exchanges and messages of this process in the seconds counted.</summary>
    public required Tally Done { get; init; }

    /// <summary>Calls that ended without an answer, or with a refusal, since the start.</summary>
    public required long Failures { get; init; }

    /// <summary>What the first failure was; null for none.</summary>
    public string? FirstFailure { get; init; }

    /// <summary>Seconds counted.</summary>
    public required double Seconds { get; init; }

    /// <summary>How long the timed calls took: those of the event asked for, not what opens and ends its exchange.</summary>
    public required LatencyHistogram Latencies { get; init; }

    /// <summary>Processor time of each process in the seconds counted; null for one that ended.</summary>
    public required IReadOnlyList<(string Name, TimeSpan? Cpu)> Processes { get; init; }

    /// <summary>Bytes that this process allocated.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>A sum over the seconds counted as a share of each message; null when none was answered.</summary>
    public double? PerMessage(double? sum) => Done.Messages == 0 ? null : sum / Done.Messages;

    /// <summary>A sum over the seconds counted as a share of each exchange; null when none came to its end.</summary>
    public double? PerExchange(double? sum) => Done.Exchanges == 0 ? null : sum / Done.Exchanges;
}
