using System.Collections.Concurrent;

namespace Sidecar.Protocol.Transport;

/// <summary>Lets one line per key and minute through, so that a peer that is wrong on every request cannot fill the log. Safe from any thread.</summary>
/// <remarks>Holds one entry per key: keys are of a bounded set, such as the ids of configured agents.</remarks>
internal sealed class LogPace(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Whether to write a line about this now, and how many were left out since the last.</summary>
    public bool MayLog(string key, out long leftOut)
    {
        var entry = _entries.GetOrAdd(key, static _ => new Entry());
        lock (entry)
        {
            leftOut = entry.LeftOut;
            if (entry.Last is { } last && time.GetElapsedTime(last) < Interval)
            {
                entry.LeftOut++;
                return false;
            }

            entry.Last = time.GetTimestamp();
            entry.LeftOut = 0;
            return true;
        }
    }

    private sealed class Entry
    {
        public long? Last { get; set; }

        public long LeftOut { get; set; }
    }
}
