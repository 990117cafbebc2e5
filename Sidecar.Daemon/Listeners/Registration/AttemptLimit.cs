using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>
/// Bounds how often a peer may try to register within a second, so that tokens cannot be guessed fast nor the daemon be kept busy: each
/// process has attempts of its own, and each user twice as many.
/// </summary>
/// <remarks>Safe from any thread. The first attempt after a second of rest begins the next second, for all peers.</remarks>
internal sealed class AttemptLimit(int perSecond, TimeProvider time)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly PeerShare _attempts = new(perSecond);
    private long? _began;

    /// <summary>Counts one attempt; false when it is one too many.</summary>
    public bool TryCount(PeerCredentials peer)
    {
        lock (_gate)
        {
            if (_began is not { } began || time.GetElapsedTime(began) >= Second)
            {
                _began = time.GetTimestamp();
                _attempts.Clear();
            }

            return _attempts.TryTake(peer);
        }
    }

    /// <summary>An attempt that got an agent in does not count: agents that come back together are not to keep each other out.</summary>
    public void Forget(PeerCredentials peer) => _attempts.Return(peer);
}
