using Sidecar.Daemon.Hosting;

namespace Sidecar.Daemon.Cli;

/// <summary>What the command tells the shell.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int WrongUse = 2;
    public const int DaemonNotRunning = 3;
    public const int NoSuchObject = 4;

    /// <summary>Says what is wrong, a line each.</summary>
    /// <returns>The exit code, as it was given.</returns>
    public static async Task<int> FailAsync(this TextWriter errors, int exitCode, params IEnumerable<string> problems)
    {
        foreach (var problem in problems)
        {
            await errors.WriteLineAsync($"sidecar: {problem}");
        }

        return exitCode;
    }
}

/// <summary>SIGTERM and SIGINT as something to wait for, by a command that serves until then.</summary>
internal static class Signals
{
    /// <summary>Completes at the first of the two or when the token fires; no other signal ends the process meanwhile.</summary>
    public static async Task WaitForStopAsync(CancellationToken cancellation)
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var signals = new ProcessSignals(() => stop.TrySetResult(), static line => Console.Error.WriteLine($"sidecar: {line}"));
        await stop.Task.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
