using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Takeover;

/// <summary>
/// Knows which listeners are still this daemon's: when another has taken over the last that proxies or agents use, this one ends by itself.
/// Safe from any thread.
/// </summary>
/// <param name="stop">Begins the stop of the daemon; called once.</param>
/// <param name="logger">Is told.</param>
internal sealed class Succession(Action stop, ILogger<Succession> logger)
{
    private readonly Lock _gate = new();
    // Two at one place while one of ours replaces another.
    private readonly Dictionary<string, int> _own = new(StringComparer.Ordinal);
    private bool _isSucceeded;

    /// <summary>A listener that this daemon goes on for.</summary>
    public void Add(string listener)
    {
        lock (_gate)
        {
            _own[listener] = _own.GetValueOrDefault(listener) + 1;
        }
    }

    /// <summary>
    /// A listener that this daemon has given up by itself; it goes on all the same, unless another daemon has taken the others.
    /// </summary>
    public void Leave(string listener)
    {
        lock (_gate)
        {
            if (!TryDrop(listener) || _own.Count > 0 || !_isSucceeded)
            {
                return;
            }
        }

        End();
    }

    /// <summary>Another daemon listens in its place.</summary>
    public void Remove(string listener)
    {
        lock (_gate)
        {
            _isSucceeded = true;
            if (!TryDrop(listener) || _own.Count > 0)
            {
                return;
            }
        }

        End();
    }

    private void End()
    {
        Log.AllSuperseded(logger);
        stop();
    }

    private bool TryDrop(string listener)
    {
        if (!_own.Remove(listener, out var many))
        {
            return false;
        }

        if (many > 1)
        {
            _own[listener] = many - 1;
        }

        return true;
    }
}
