using System.Runtime.InteropServices;

namespace Sidecar.Protocol.Sdk;

/// <summary>
/// What an agent that runs waits for: a token or, where there is none, a signal to the process, watched for from the beginning.
/// </summary>
internal sealed class EndOfRun : IDisposable
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _registration;
    private readonly PosixSignalRegistration[] _signals = [];

    public EndOfRun(CancellationToken cancellation)
    {
        if (cancellation.CanBeCanceled)
        {
            _registration = cancellation.UnsafeRegister(static end => ((TaskCompletionSource)end!).TrySetResult(), _end);
        }
        else
        {
            _signals =
            [
                PosixSignalRegistration.Create(PosixSignal.SIGTERM, Take),
                PosixSignalRegistration.Create(PosixSignal.SIGINT, Take),
            ];
        }
    }

    /// <summary>Completes at the end, or when this task says that it was stopped by other means.</summary>
    public Task WaitAsync(Task stopped) => Task.WhenAny(stopped, _end.Task);

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }
    }

    // Only the first is taken: who sends another does not want to wait for handlers.
    private void Take(PosixSignalContext context) => context.Cancel = _end.TrySetResult();
}
