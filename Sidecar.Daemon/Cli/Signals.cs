using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Cli;

/// <summary>SIGTERM and SIGINT as something to wait for.</summary>
internal static class Signals
{
    /// <summary>Completes at the first signal or when the token fires.</summary>
    public static async Task WaitForStopAsync(CancellationToken cancellation)
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.TrySetResult();
        }

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        await stop.Task.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
