using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Composition;

/// <summary>How the daemon came to the configuration that it starts with.</summary>
/// <param name="Source">Where it is read again by a reload; null when there is nothing to read, as where all was said in flags.</param>
internal sealed record ConfigurationStart(IConfigurationSource? Source)
{
    /// <summary>What was said in flags alone.</summary>
    public static readonly ConfigurationStart Flags = new(Source: null);

    /// <summary>The texts of the configuration that it starts with.</summary>
    public IReadOnlyList<FileText> Texts { get; init; } = [];

    /// <summary>
    /// Why it starts with the last good configuration instead of the one at its place: what is wrong with that; null when it does not.
    /// </summary>
    public IReadOnlyList<string>? LastGoodBecause { get; init; }

    /// <summary>Where the last good configuration is kept; null keeps none.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Settles the bounds of a configuration by what the process may have open.</summary>
    public Func<ConfigurationSnapshot, DescriptorPlan> Fit { get; init; } = static written =>
    {
        var limit = DescriptorLimit.Read().Soft;
        return DescriptorPlan.Fit(written, limit, DescriptorReserve.SizeOf(limit));
    };

    /// <summary>Whether there are files that a reload could read.</summary>
    public bool HasFiles => Source is { Files.Count: > 0 };
}
