using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.Takeover;

/// <summary>
/// The front ends of this daemon by the place of their listener: while one listener replaces another at its place, each is asked about the
/// exchanges that it knows, whichever the proxy's connection leads to. Safe from any thread.
/// </summary>
internal sealed class LocalFrontEnds
{
    private readonly Lock _gate = new();
    private volatile (string Place, IRelayedFrontEnd FrontEnd)[] _all = [];

    /// <summary>A front end answers at a place.</summary>
    public void Add(string place, IRelayedFrontEnd frontEnd)
    {
        lock (_gate)
        {
            _all = [.. _all, (place, frontEnd)];
        }
    }

    /// <summary>It does no more.</summary>
    public void Remove(IRelayedFrontEnd frontEnd)
    {
        lock (_gate)
        {
            _all = Array.FindAll(_all, one => one.FrontEnd != frontEnd);
        }
    }

    /// <summary>Whether there is another one at a place.</summary>
    public bool HasOther(string place, IRelayedFrontEnd? than)
    {
        foreach (var one in _all)
        {
            if (one.Place == place && one.FrontEnd != than)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The other one at a place that knows an exchange; null when none does.</summary>
    public IRelayedFrontEnd? Find(string place, string key, IRelayedFrontEnd? than) =>
        Array.Find(_all, one => one.Place == place && one.FrontEnd != than && one.FrontEnd.Knows(key)).FrontEnd;
}
