namespace Sidecar.Daemon.Composition;

/// <summary>
/// Work of which one piece runs at a time, and at most one more waits: whoever asks while one runs gets the result of the next, which sees
/// what was there when it was asked for. Safe from any thread.
/// </summary>
/// <param name="work">Does a piece of it, for whoever asked first.</param>
internal sealed class FoldedWork<T>(Func<string, Task<T>> work)
{
    private readonly Lock _gate = new();
    private Task<T>? _running;
    private Task<T>? _next;

    /// <summary>Has a piece done that begins after this call.</summary>
    /// <param name="cause">Who asks.</param>
    public Task<T> RequestAsync(string cause)
    {
        lock (_gate)
        {
            return _next is not null ? _next
                : _running is { IsCompleted: false } before ? _next = AfterAsync(before, cause)
                : _running = Task.Run(() => work(cause));
        }
    }

    private async Task<T> AfterAsync(Task<T> before, string cause)
    {
        // Never on the caller's thread, which has the gate.
        await ((Task)before).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (_gate)
        {
            (_running, _next) = (_next, null);
        }

        return await work(cause);
    }
}
