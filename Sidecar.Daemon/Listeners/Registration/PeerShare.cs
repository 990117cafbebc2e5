using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>
/// Counts what peers use of something that all want, so that one of them leaves room for the others: each process may have a share, and all
/// processes of one user together two.
/// </summary>
/// <remarks>Safe from any thread. It holds entries only of peers that have something.</remarks>
internal sealed class PeerShare(int share)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(uint User, int Process), int> _processes = [];
    private readonly Dictionary<uint, int> _users = [];

    /// <summary>How much one process may have.</summary>
    public int Share => share;

    /// <summary>Gives one to this peer; false when it has its share.</summary>
    public bool TryTake(PeerCredentials peer)
    {
        lock (_gate)
        {
            var (process, user) = (_processes.GetValueOrDefault(KeyOf(peer)), _users.GetValueOrDefault(peer.UserId));
            if (process >= share || user >= 2L * share)
            {
                return false;
            }

            (_processes[KeyOf(peer)], _users[peer.UserId]) = (process + 1, user + 1);
            return true;
        }
    }

    /// <summary>Takes one back that this peer was given, if it has any.</summary>
    public void Return(PeerCredentials peer)
    {
        lock (_gate)
        {
            Lower(_processes, KeyOf(peer));
            Lower(_users, peer.UserId);
        }
    }

    /// <summary>Takes all back.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _processes.Clear();
            _users.Clear();
        }
    }

    private static (uint User, int Process) KeyOf(PeerCredentials peer) => (peer.UserId, peer.ProcessId);

    private static void Lower<TKey>(Dictionary<TKey, int> counts, TKey key)
        where TKey : notnull
    {
        if (counts.TryGetValue(key, out var count) && count > 1)
        {
            counts[key] = count - 1;
        }
        else
        {
            counts.Remove(key);
        }
    }
}

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
