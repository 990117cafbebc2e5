namespace Sidecar.Daemon.Diagnostics;

/// <summary>How metrics are named and bounded.</summary>
internal sealed record PrometheusExporterOptions
{
    /// <summary>First word of every metric's name: a letter, then letters, digits and underscores.</summary>
    public string Prefix { get; init; } = "sidecar";

    /// <summary>
    /// Most tag sets one instrument may have, 1 to 1,000,000. The default holds 50 routes by every state and cause that is likely,
    /// and at some 300 bytes a counter keeps the whole meter in a few megabytes even when each instrument reaches it.
    /// </summary>
    public int MaxSeriesPerInstrument { get; init; } = 2_000;
}
