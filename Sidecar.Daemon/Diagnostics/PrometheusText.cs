using System.Buffers;
using System.Globalization;
using System.Text;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>Writes the lines of the Prometheus text format 0.0.4. For one thread.</summary>
internal sealed class PrometheusText(IBufferWriter<byte> output)
{
    // The longest long has 20 characters, the longest double in shortest form 24.
    private const int LongestNumber = 32;

    /// <summary>Writes the two lines before the samples of a metric.</summary>
    public void Header(string name, string help, MetricKind kind)
    {
        Write("# HELP "u8);
        Write(name);
        Write(" "u8);
        Write(help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal));
        Write("\n# TYPE "u8);
        Write(name);
        Write(kind switch
        {
            MetricKind.Counter => " counter\n"u8,
            MetricKind.Gauge => " gauge\n"u8,
            _ => " histogram\n"u8,
        });
    }

    /// <summary>Writes a sample that is a whole number.</summary>
    public void Sample(string name, ReadOnlySpan<byte> labels, long value)
    {
        Series(name, labels);
        Write(value);
        Write("\n"u8);
    }

    /// <inheritdoc cref="Sample(string, ReadOnlySpan{byte}, long)"/>
    public void Sample(string name, ReadOnlySpan<byte> labels, ulong value)
    {
        Series(name, labels);
        Write(value);
        Write("\n"u8);
    }

    /// <summary>Writes a sample.</summary>
    public void Sample(string name, ReadOnlySpan<byte> labels, double value)
    {
        Series(name, labels);
        Write(value);
        Write("\n"u8);
    }

    /// <summary>Writes how many values of a histogram were at most <paramref name="bound"/>.</summary>
    public void Bucket(string name, ReadOnlySpan<byte> labels, double bound, ulong count)
    {
        Write(name);
        Write("_bucket{"u8);
        Write(labels);
        Write(labels.IsEmpty ? "le=\""u8 : ",le=\""u8);
        Write(bound);
        Write("\"} "u8);
        Write(count);
        Write("\n"u8);
    }

    private void Series(string name, ReadOnlySpan<byte> labels)
    {
        Write(name);
        if (!labels.IsEmpty)
        {
            Write("{"u8);
            Write(labels);
            Write("}"u8);
        }

        Write(" "u8);
    }

    private void Write(ulong value)
    {
        value.TryFormat(output.GetSpan(LongestNumber), out var written, default, CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    private void Write(long value)
    {
        value.TryFormat(output.GetSpan(LongestNumber), out var written, default, CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    private void Write(double value)
    {
        if (double.IsInfinity(value))
        {
            Write(value > 0 ? "+Inf"u8 : "-Inf"u8);
            return;
        }

        var text = output.GetSpan(LongestNumber);
        value.TryFormat(text, out var written, default, CultureInfo.InvariantCulture);

        // Labels are compared as text, and everyone else writes the bound 0.00005 as 5e-05.
        text[..written].Replace((byte)'E', (byte)'e');
        output.Advance(written);
    }

    private void Write(string text) => Encoding.UTF8.GetBytes(text, output);

    private void Write(ReadOnlySpan<byte> text) => output.Write(text);
}
