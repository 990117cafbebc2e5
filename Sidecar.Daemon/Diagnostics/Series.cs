namespace Sidecar.Daemon.Diagnostics;

/// <summary>One metric under one set of labels. Recording is safe from any thread, does not wait and does not allocate.</summary>
internal abstract class Series(byte[] labels)
{
    /// <summary>The labels as they are written between the braces, UTF-8; empty when there are none.</summary>
    public ReadOnlySpan<byte> Labels => labels;

    /// <summary>Takes a whole measurement.</summary>
    /// <returns>False when the series cannot hold it.</returns>
    public abstract bool Record(long value);

    /// <summary>Takes a measurement.</summary>
    /// <returns>False when the series cannot hold it.</returns>
    public abstract bool Record(double value);

    /// <summary>Writes the samples of the series.</summary>
    public abstract void Write(PrometheusText text, string name);
}
