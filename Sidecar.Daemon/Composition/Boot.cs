using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Composition;

/// <summary>Reads the configuration that the daemon starts with: its own, or the last good one where that cannot be used.</summary>
internal static class Boot
{
    /// <summary>Reads it. Nothing is started.</summary>
    /// <param name="source">The configuration.</param>
    /// <param name="stateDirectory">Where the last good one is kept; null where none is.</param>
    /// <returns>What was read, and how the daemon came to it; with errors, those of its own configuration.</returns>
    public static (ConfigurationReading Reading, ConfigurationStart Start) Read(IConfigurationSource source, string? stateDirectory)
    {
        var reading = source.Read();
        var start = new ConfigurationStart(source) { Texts = reading.Texts, StateDirectory = stateDirectory };
        if (IsUsable(reading) || LastGood.Read(stateDirectory) is not { } kept || source.With(kept) is not { } before)
        {
            return (reading, start);
        }

        // What it says of itself counts: the one that cannot be used says nothing that could be relied on.
        var last = before.Read();
        return IsUsable(last) && last.Snapshot!.Get(DaemonSettings.Boot) == BootMode.LastGood
            ? (last, start with { Texts = kept, LastGoodBecause = reading.Errors })
            : (reading, start);
    }

    private static bool IsUsable(ConfigurationReading reading) => reading is { Snapshot: not null, Errors.Count: 0 };
}
