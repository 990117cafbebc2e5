using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// The messages of one direction, one after the other. Both directions of an exchange may be live at once, so neither waits for the other's agents.
/// </summary>
/// <remarks>For one reader; what is waiting is bounded, beyond it the reader waits and Envoy with it.</remarks>
internal sealed class ExtProcLane(Func<ProcessingRequest, long, Task> take)
{
    // Twice what fits into a stream's window at once, and enough small pieces that a response's headers do not wait behind them.
    private const long MaxBytes = 128 * 1024;
    private const int MaxMessages = 64;

    private Task _last = Task.CompletedTask;
    private long _bytes;
    private int _messages;

    /// <summary>Whether a message is not answered yet.</summary>
    public bool IsBusy => Volatile.Read(ref _messages) > 0;

    /// <summary>Ends when everything that came is dealt with.</summary>
    public Task Idle => _last;

    /// <summary>Takes a message; waits while too much is waiting.</summary>
    /// <param name="message">The message.</param>
    /// <param name="arrived">When it came, a timestamp.</param>
    public async ValueTask AddAsync(ProcessingRequest message, long arrived)
    {
        if (Volatile.Read(ref _messages) >= MaxMessages || Interlocked.Read(ref _bytes) >= MaxBytes)
        {
            await _last.ConfigureAwait(false);
        }

        var size = (message.RequestBody ?? message.ResponseBody)?.Body.Length ?? 0;
        Interlocked.Increment(ref _messages);
        Interlocked.Add(ref _bytes, size);
        _last = TakeAsync(_last, message, arrived, size);
    }

    private async Task TakeAsync(Task before, ProcessingRequest message, long arrived, int size)
    {
        try
        {
            await before.ConfigureAwait(false);
            await take(message, arrived).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Add(ref _bytes, -size);
            Interlocked.Decrement(ref _messages);
        }
    }
}
