using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections.Calls;

/// <summary>What carries the calls of a connection: all that they know of it, whether it is a stream of frames or a request for each.</summary>
/// <remarks>Called under the lock of the calls, except for the waiting: must neither block nor call back.</remarks>
/// <typeparam name="TEvent">An event as it is sent, encoded before any lock was taken.</typeparam>
internal interface ICallTransport<in TEvent>
    where TEvent : IDisposable
{
    /// <summary>Takes an event for sending, without waiting. It is given back as soon as this returns true.</summary>
    /// <returns>
    /// False when there is no room for it now. One that has ended takes everything: its end, which is near, fails the calls with its one cause.
    /// </returns>
    bool TrySend(TEvent message);

    /// <summary>Waits until there may be room or the transport has ended; false when neither happened in time.</summary>
    ValueTask<bool> WaitForRoomAsync(TimeSpan limit);

    /// <summary>Tells the agent that an answer is no longer waited for. What cannot be told at once is not told: it only saves the agent work.</summary>
    void SendCancel(CorrelationId id, CancelReason reason);
}
