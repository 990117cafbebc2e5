using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Agents;

/// <summary>
/// Which version of an agent answers for an exchange, by weight. Immutable but for where its round stands; safe from any thread.
/// </summary>
/// <remarks>
/// By weight the choice is exact: after as many exchanges as the weights sum up to, each version has had its weight of them, and on the way
/// none is a whole exchange ahead or behind. By key the same client gets the same version as long as the weights stay; where they change,
/// no more clients move than they must.
/// </remarks>
internal sealed class VersionPlan
{
    private readonly WeightedVersion[] _versions;
    private readonly AgentVersion[] _round;
    private long _next = -1;

    /// <summary>A plan of one version or several.</summary>
    /// <param name="versions">The versions in the operator's order; weights 0 to <see cref="VersionOptions.MaxWeight"/>, not all 0.</param>
    public VersionPlan(IReadOnlyList<WeightedVersion> versions)
    {
        if (versions.Any(static one => one.Weight is < 0 or > VersionOptions.MaxWeight) || versions.Sum(static one => one.Weight) == 0)
        {
            throw new ArgumentException(
                $"the weights are {string.Join(", ", versions.Select(static one => one.Weight))}; give each 0 to "
                    + $"{VersionOptions.MaxWeight}, and one of them more than 0", nameof(versions));
        }

        _versions = [.. versions];
        _round = Round(_versions);
    }

    /// <summary>A plan of one version.</summary>
    public VersionPlan(AgentVersion version) : this([new WeightedVersion(version, 1)])
    {
    }

    /// <summary>The versions in the operator's order.</summary>
    public IReadOnlyList<WeightedVersion> Versions => _versions;

    /// <summary>The version of the greatest weight, the first of several.</summary>
    public AgentVersion Main => _versions.MaxBy(static one => one.Weight)!.Version;

    /// <summary>
    /// The version of the next exchange, joined; false when it takes none any more, because a newer plan has taken this one's place.
    /// </summary>
    /// <param name="lease">To be left once, at the end of the exchange.</param>
    public bool TryJoin(out VersionLease lease) =>
        VersionLease.TryTake(_round.Length == 1 ? _round[0] : _round[Interlocked.Increment(ref _next) % _round.Length], out lease);

    /// <summary>The version of a client's session, joined; false as above.</summary>
    /// <param name="key">The session.</param>
    /// <param name="lease">To be left once, at the end of the exchange.</param>
    public bool TryJoin(StickyKey key, out VersionLease lease)
    {
        var sum = 0;
        foreach (var one in _versions)
        {
            sum += one.Weight;
        }

        // The place among all that there are does not depend on the sum of the weights: one that grows by a tenth takes a tenth of the
        // clients.
        var place = (int)((ulong)(key.Digest >> 97) * (uint)sum >> 31);
        var i = 0;
        for (; place >= _versions[i].Weight; i++)
        {
            place -= _versions[i].Weight;
        }

        return VersionLease.TryTake(_versions[i].Version, out lease);
    }

    /// <summary>Whether the same versions have the same weights.</summary>
    public bool IsSameAs(IReadOnlyList<WeightedVersion> versions) => _versions.SequenceEqual(versions);

    // Whoever is furthest behind its share is next, so that equal ones alternate instead of coming in blocks.
    private static AgentVersion[] Round(WeightedVersion[] versions)
    {
        var divisor = versions.Aggregate(0, static (divisor, one) => Divisor(divisor, one.Weight));
        var sum = versions.Sum(static one => one.Weight) / divisor;
        var behind = new int[versions.Length];
        var round = new AgentVersion[sum];
        for (var i = 0; i < sum; i++)
        {
            var next = 0;
            for (var j = 0; j < versions.Length; j++)
            {
                behind[j] += versions[j].Weight / divisor;
                next = behind[j] > behind[next] ? j : next;
            }

            behind[next] -= sum;
            round[i] = versions[next].Version;
        }

        return round;
    }

    private static int Divisor(int one, int other) => other == 0 ? one : Divisor(other, one % other);
}

/// <summary>A version with its share of the exchanges.</summary>
/// <param name="Version">The version.</param>
/// <param name="Weight">0 to <see cref="VersionOptions.MaxWeight"/>, relative to those of the others; 0 for none.</param>
internal sealed record WeightedVersion(AgentVersion Version, int Weight);

/// <summary>The version that an exchange has of an agent, and the right to leave it, which is used once.</summary>
internal readonly struct VersionLease
{
    private VersionLease(AgentVersion version) => Version = version;

    /// <summary>The version; everything that the exchange asks the agent goes there.</summary>
    public AgentVersion Version { get; }

    /// <summary>Joins a version; false when it retires.</summary>
    public static bool TryTake(AgentVersion version, out VersionLease lease)
    {
        lease = new VersionLease(version);
        return version.TryJoin();
    }

    /// <summary>The exchange is over.</summary>
    public void Leave() => Version.Leave();
}
