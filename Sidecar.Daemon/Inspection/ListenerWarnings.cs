using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// What listeners have found to be wrong with the configuration of their proxies, for <c>sidecar status</c>. It stays until the daemon is started again. Safe
/// from any thread.
/// </summary>
internal sealed class ListenerWarnings
{
    // Far above what listeners and kinds of warnings there are.
    private const int Most = 256;

    private readonly ConcurrentDictionary<string, bool> _texts = new(StringComparer.Ordinal);

    /// <summary>All of them, in the order of the alphabet.</summary>
    public IReadOnlyList<string> All => [.. _texts.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds one; false when it is there already.</summary>
    /// <param name="text">Begins with the listener; of a bounded set, so nothing of a request.</param>
    public bool Add(string text) => _texts.Count < Most && _texts.TryAdd(text, true);

    /// <summary>Adds one, and logs it if it was not there.</summary>
    /// <param name="logger">Where it is logged.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="text">What is wrong and what to do; nothing of a request.</param>
    public void Add(ILogger logger, string listener, string text)
    {
        if (Add($"listener {listener}: {text}"))
        {
            Log.ListenerWarning(logger, listener, text);
        }
    }
}
