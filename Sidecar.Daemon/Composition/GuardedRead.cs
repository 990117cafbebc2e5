namespace Sidecar.Daemon.Composition;

/// <summary>
/// Reads from a file system that may hang: it is given up after a time, and no second thread is given to it before the first is back. For
/// one caller at a time.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="read">Reads; never throws for what it finds.</param>
internal sealed class GuardedRead<T>(TimeProvider time, Func<T> read)
    where T : class
{
    /// <summary>How long a reading may take: 30 s. A file is read in milliseconds; a network that is gone, or a pipe, never answers.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private Task<T>? _running;

    /// <summary>Reads.</summary>
    /// <param name="cancellation">Gives it up at once.</param>
    /// <returns>What was read, or why nothing was: the end of a sentence that begins with its place.</returns>
    public async Task<(T? Value, string Problem)> TryAsync(CancellationToken cancellation)
    {
        if (_running is { IsCompleted: false })
        {
            return (null, "is still being read by an attempt before");
        }

        try
        {
            // Without the token: what has been begun is waited for by the next attempt, too.
            _running = Task.Run(read, CancellationToken.None);
            return (await _running.WaitAsync(Limit, time, cancellation), "");
        }
        catch (TimeoutException)
        {
            return (null, $"was not read within {Limit.TotalSeconds:0} s");
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return (null, "was not read before the daemon stopped");
        }
    }
}
