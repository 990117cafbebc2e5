using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections.Calls;

/// <summary>
/// Calls whose events wait for room, in the order they came: who came later does not go first, or some would wait until their deadline.
/// </summary>
/// <remarks>
/// Changed only under the lock of <see cref="OutstandingCalls{TEvent}"/>, which it is given; one task at most brings the events out.
/// </remarks>
internal sealed class SendQueue<TEvent>(ICallTransport<TEvent> transport, CallTable table, Lock gate, TimeProvider time)
    where TEvent : IDisposable
{
    private readonly Queue<Unsent> _queue = new();
    private Task _sending = Task.CompletedTask;
    private bool _isRunning;

    /// <summary>How many wait, those included that have ended meanwhile and keep their place.</summary>
    public int Count => _queue.Count;

    /// <summary>Takes an event over until it is sent or its call has ended. The call is in the table.</summary>
    public void Add(TEvent message, CorrelationId id, PendingCall call, long deadline)
    {
        _queue.Enqueue(new Unsent(message, id, call, call.Life, deadline));
        if (!_isRunning)
        {
            _isRunning = true;
            _sending = SendAsync();
        }
    }

    /// <summary>Ends when nothing is brought out any more. Where the connection has ended that is at once.</summary>
    public Task WhenIdleAsync()
    {
        lock (gate)
        {
            return _sending;
        }
    }

    private async Task SendAsync()
    {
        // The caller holds the lock, and its thread is not to do this.
        await Task.Yield();
        while (true)
        {
            long deadline;
            lock (gate)
            {
                SendWhatFits();
                if (!_queue.TryPeek(out var first))
                {
                    _isRunning = false;
                    return;
                }

                deadline = first.Deadline;
            }

            // At the first one's deadline its call has ended, and the next one's counts.
            var left = time.GetElapsedTime(time.GetTimestamp(), deadline);
            await transport.WaitForRoomAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    private void SendWhatFits()
    {
        while (_queue.TryPeek(out var first))
        {
            // One that is due is about to end, and is not to be waited for.
            if (first.Deadline > time.GetTimestamp() && table.IsUnsent(first.Id, first.Call, first.Life))
            {
                if (!transport.TrySend(first.Message))
                {
                    return;
                }

                table.MarkSent(first.Id);
            }

            first.Message.Dispose();
            _queue.Dequeue();
        }
    }

    private readonly record struct Unsent(TEvent Message, CorrelationId Id, PendingCall Call, short Life, long Deadline);
}

/// <summary>
/// What carries the calls of a connection: all that they know of it, whether it is a stream of frames or a request for each.
/// </summary>
/// <remarks>Called under the lock of the calls, except for the waiting: must neither block nor call back.</remarks>
/// <typeparam name="TEvent">An event as it is sent, encoded before any lock was taken.</typeparam>
internal interface ICallTransport<in TEvent>
    where TEvent : IDisposable
{
    /// <summary>Takes an event for sending, without waiting. It is given back as soon as this returns true.</summary>
    /// <returns>
    /// False when there is no room for it now. One that has ended takes everything: its end, which is near, fails the calls with its one
    /// cause.
    /// </returns>
    bool TrySend(TEvent message);

    /// <summary>Waits until there may be room or the transport has ended; false when neither happened in time.</summary>
    ValueTask<bool> WaitForRoomAsync(TimeSpan limit);

    /// <summary>
    /// Tells the agent that an answer is no longer waited for. What cannot be told at once is not told: it only saves the agent work.
    /// </summary>
    void SendCancel(CorrelationId id, CancelReason reason);
}
