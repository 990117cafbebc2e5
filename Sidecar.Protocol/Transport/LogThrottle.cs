using System.Collections.Concurrent;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// Lets so many lines per key and minute through, so that a peer that is wrong on every request cannot fill the log. Safe from any thread.
/// </summary>
/// <remarks>
/// Keys are to be of a bounded set, such as the ids of configured agents. Beyond <see cref="MaxKeys"/> all further ones share one pace.
/// </remarks>
/// <param name="time">The clock.</param>
/// <param name="lines">Lines a minute of one key, at least one.</param>
internal sealed class LogThrottle(TimeProvider time, int lines = 1)
{
    /// <summary>How many keys have a pace of their own: more than agents, listeners and kinds of lines there are.</summary>
    public const int MaxKeys = 4096;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Whether to write a line about this now, and how many were left out since the last.</summary>
    public bool MayLog(string key, out long leftOut)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            entry = _entries.GetOrAdd(_entries.Count < MaxKeys ? key : "", static _ => new Entry());
        }

        lock (entry)
        {
            leftOut = entry.LeftOut;
            if (entry.Began is { } began && time.GetElapsedTime(began) < Interval)
            {
                if (entry.Written >= lines)
                {
                    entry.LeftOut++;
                    return false;
                }
            }
            else
            {
                (entry.Began, entry.Written) = (time.GetTimestamp(), 0);
            }

            entry.Written++;
            entry.LeftOut = 0;
            return true;
        }
    }

    private sealed class Entry
    {
        public long? Began { get; set; }

        public int Written { get; set; }

        public long LeftOut { get; set; }
    }
}
