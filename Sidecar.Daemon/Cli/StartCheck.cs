using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;

namespace Sidecar.Daemon.Cli;

/// <summary>What a start does before it makes anything: it is the same for a check.</summary>
internal static class StartCheck
{
    /// <summary>Settles the bounds of connections of what was read; says what is wrong and what is probably not meant.</summary>
    /// <returns>The configuration; null when it cannot be used.</returns>
    public static async Task<ConfigurationSnapshot?> SettleAsync(ConfigurationReading reading, TextWriter errors)
    {
        await WriteAsync(errors, reading);
        if (reading.Snapshot is not { } options)
        {
            return null;
        }

        var plan = ConfigurationStart.Flags.Fit(options);
        if ((plan.Error ?? plan.Warning) is { } said)
        {
            await errors.FailAsync(ExitCodes.WrongUse, said);
        }

        return plan.Error is null ? plan.Options : null;
    }

    /// <summary>Checks a configuration, and says that it is valid and what is in it.</summary>
    /// <returns>The exit code that a start would have.</returns>
    public static async Task<int> RunAsync(IConfigurationSource source, TextWriter output, TextWriter errors)
    {
        if (await SettleAsync(source.Read(), errors) is not { } options)
        {
            return ExitCodes.WrongUse;
        }

        var code = await DaemonHost.CheckAsync(options, errors);
        if (code == ExitCodes.Ok)
        {
            await output.WriteLineAsync(
                $"{source.Place} is valid: {Counted(options.Listeners.Count, "listener")}, {Counted(options.Agents.Count, "agent")}, "
                + Counted(options.Routes.Count, "route"));
        }

        return code;
    }

    /// <summary>Says what is wrong and what is probably not meant, a line each.</summary>
    public static async Task WriteAsync(TextWriter errors, ConfigurationReading reading)
    {
        foreach (var line in reading.Errors.Concat(reading.Warnings))
        {
            // A line that begins with its place is what editors find their way by.
            var hasPlace = reading.Files.Any(file => line.StartsWith(file + ":", StringComparison.Ordinal));
            await errors.WriteLineAsync(hasPlace ? line : $"sidecar: {line}");
        }
    }

    private static string Counted(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
