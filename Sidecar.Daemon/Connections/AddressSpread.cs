using System.Net;

namespace Sidecar.Daemon.Connections;

/// <summary>
/// The addresses behind one name: each new connection goes to the one that has the fewest, those that failed lately come last.
/// </summary>
/// <remarks>Safe from any thread. Addresses that the name no longer has are forgotten when their last connection has ended.</remarks>
internal sealed class AddressSpread(TimeProvider time)
{
    private static readonly TimeSpan Avoided = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<EndPoint, Use> _uses = [];

    /// <summary>The addresses in the order in which they are to be tried.</summary>
    /// <param name="addresses">Those the name has now.</param>
    public IReadOnlyList<EndPoint> Order(IReadOnlyCollection<EndPoint> addresses)
    {
        lock (_gate)
        {
            foreach (var gone in _uses.Where(use => use.Value.Connections == 0 && !addresses.Contains(use.Key)))
            {
                _uses.Remove(gone.Key);
            }

            // Stable: equals stay in the order of the name's answer.
            return [.. addresses.Distinct().OrderBy(IsAvoided).ThenBy(address => _uses.GetValueOrDefault(address)?.Connections ?? 0)];
        }
    }

    /// <summary>An address is dialled; counted at once, so that dials at the same time spread too.</summary>
    public void Enter(EndPoint address)
    {
        lock (_gate)
        {
            UseOf(address).Connections++;
        }
    }

    /// <summary>A dial failed.</summary>
    public void Missed(EndPoint address)
    {
        lock (_gate)
        {
            var use = UseOf(address);
            use.Connections--;
            use.MissedAt = time.GetTimestamp();
        }
    }

    /// <summary>A dial was given up, or a connection has ended.</summary>
    public void Leave(EndPoint address)
    {
        lock (_gate)
        {
            UseOf(address).Connections--;
        }
    }

    private bool IsAvoided(EndPoint address) =>
        _uses.GetValueOrDefault(address)?.MissedAt is { } missed && time.GetElapsedTime(missed) < Avoided;

    private Use UseOf(EndPoint address)
    {
        if (!_uses.TryGetValue(address, out var use))
        {
            _uses.Add(address, use = new Use());
        }

        return use;
    }

    private sealed class Use
    {
        public int Connections { get; set; }

        public long? MissedAt { get; set; }
    }
}
