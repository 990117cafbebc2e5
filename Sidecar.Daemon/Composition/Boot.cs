using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Composition;

/// <summary>Reads the configuration that the daemon starts with: its own, or the last good one where that cannot be used.</summary>
internal static class Boot
{
    /// <summary>Reads it. Nothing is started.</summary>
    /// <param name="source">The configuration.</param>
    /// <param name="kept">The texts of the last good one; null when there are none.</param>
    /// <param name="sourceOf">Makes a source of such texts, with the same flags and environment.</param>
    /// <returns>What was read, and how the daemon came to it; with errors, those of its own configuration.</returns>
    public static (ConfigurationReading Reading, ConfigurationStart Start) Read(
        IConfigurationSource source, IReadOnlyList<ConfigurationText>? kept,
        Func<IReadOnlyList<ConfigurationText>, IConfigurationSource> sourceOf)
    {
        var reading = source.Read();
        var start = new ConfigurationStart(source) { Texts = reading.Texts };
        if (IsUsable(reading) || kept is null || source.Files.Count == 0)
        {
            return (reading, start);
        }

        // What it says of itself counts: the one that cannot be used says nothing that could be relied on.
        var before = sourceOf(kept).Read();
        return IsUsable(before) && before.Snapshot!.Get(DaemonSettings.Boot) == BootMode.LastGood
            ? (before, start with { Texts = kept, LastGoodBecause = reading.Errors })
            : (reading, start);
    }

    private static bool IsUsable(ConfigurationReading reading) => reading is { Snapshot: not null, Errors.Count: 0 };
}
