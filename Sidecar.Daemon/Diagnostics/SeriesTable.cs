using System.Text;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>Finds the series of a tag set, and makes it when it is new and the bound allows.</summary>
/// <remarks>
/// Finding takes no lock and allocates nothing: an open-addressed array whose slots are only ever filled, and which is replaced as a whole
/// when it is half full or series are forgotten. A reader that missed a slot being filled, or holds an old array, asks again under the lock
/// that writers take. Tag sets that come out as the same labels (another order, an empty value) share one series, for a scrape must not
/// show one twice.
/// </remarks>
internal sealed class SeriesTable(int limit, Func<byte[], Series> create)
{
    private readonly Lock _writing = new();
    private readonly SortedDictionary<string, Series> _byLabels = new(StringComparer.Ordinal);
    private Entry?[] _slots = new Entry?[16];
    private Series? _overflow;
    private int _entries;

    /// <summary>The series of <paramref name="tags"/>, or the one for all that came too late.</summary>
    public Series Find(ReadOnlySpan<KeyValuePair<string, object?>> tags, out bool overflowed)
    {
        overflowed = false;
        var hash = Hash(tags);
        return Probe(Volatile.Read(ref _slots), hash, tags) ?? FindOrAdd(hash, tags, out overflowed);
    }

    /// <summary>All series in the order of their labels.</summary>
    public Series[] Snapshot()
    {
        lock (_writing)
        {
            return [.. _byLabels.Values];
        }
    }

    /// <summary>Forgets the series with all of these tags; what is counted for them while this runs may be lost.</summary>
    public void Forget(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_writing)
        {
            var old = _slots;
            (_slots, _entries) = (new Entry?[16], 0);
            foreach (var entry in old)
            {
                if (entry is not null && HasAll(entry.Tags, tags))
                {
                    _byLabels.Remove(LabelText.Of(entry.Tags));
                }
                else if (entry is not null)
                {
                    Add(entry);
                }
            }

            // There is room again: tag sets that come now have series of their own.
            Volatile.Write(ref _overflow, null);
        }
    }

    private static bool HasAll(KeyValuePair<string, object?>[] tags, ReadOnlySpan<KeyValuePair<string, object?>> wanted)
    {
        foreach (ref readonly var tag in wanted)
        {
            if (!tags.Contains(tag))
            {
                return false;
            }
        }

        return true;
    }

    private Series FindOrAdd(int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags, out bool overflowed)
    {
        // Published after the last entry: who sees it sees the final array, and a full table costs later tag sets no lock.
        if (Volatile.Read(ref _overflow) is { } overflow)
        {
            var found = Probe(Volatile.Read(ref _slots), hash, tags);
            overflowed = found is null;
            return found ?? overflow;
        }

        lock (_writing)
        {
            overflowed = false;
            if (Probe(_slots, hash, tags) is { } found)
            {
                return found;
            }

            if (_entries == limit)
            {
                overflowed = true;
                Volatile.Write(ref _overflow, _overflow ?? ByLabels(LabelText.Overflow));
                return _overflow;
            }

            var series = ByLabels(LabelText.Of(tags));
            Add(new Entry(hash, tags.ToArray(), series));
            return series;
        }
    }

    private Series ByLabels(string labels)
    {
        if (!_byLabels.TryGetValue(labels, out var series))
        {
            series = create(Encoding.UTF8.GetBytes(labels));
            _byLabels.Add(labels, series);
        }

        return series;
    }

    private void Add(Entry entry)
    {
        _entries++;
        if (_entries * 2 <= _slots.Length)
        {
            Fill(_slots, entry);
            return;
        }

        var grown = new Entry?[_slots.Length * 2];
        foreach (var old in _slots)
        {
            if (old is not null)
            {
                Fill(grown, old);
            }
        }

        Fill(grown, entry);
        Volatile.Write(ref _slots, grown);
    }

    private static void Fill(Entry?[] slots, Entry entry)
    {
        var at = Start(slots, entry.Hash);
        while (slots[at] is not null)
        {
            at = (at + 1) & (slots.Length - 1);
        }

        Volatile.Write(ref slots[at], entry);
    }

    private static Series? Probe(Entry?[] slots, int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        for (var at = Start(slots, hash); Volatile.Read(ref slots[at]) is { } entry; at = (at + 1) & (slots.Length - 1))
        {
            if (entry.Hash == hash && Same(entry.Tags, tags))
            {
                return entry.Series;
            }
        }

        return null;
    }

    // Spreads hashes that differ only in their high bits; the length is a power of two.
    private static int Start(Entry?[] slots, int hash) => (int)((uint)hash * 0x9E37_79B9u >> 12) & (slots.Length - 1);

    // Names are left out: an instrument rarely has the same values under other names, and equality still tells them apart.
    private static int Hash(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = tags.Length;
        foreach (ref readonly var tag in tags)
        {
            hash = (hash * 31) ^ (tag.Value?.GetHashCode() ?? 0);
        }

        return hash;
    }

    private static bool Same(KeyValuePair<string, object?>[] known, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (known.Length != tags.Length)
        {
            return false;
        }

        for (var i = 0; i < known.Length; i++)
        {
            if (!string.Equals(known[i].Key, tags[i].Key, StringComparison.Ordinal) || !Equals(known[i].Value, tags[i].Value))
            {
                return false;
            }
        }

        return true;
    }

    private sealed class Entry(int hash, KeyValuePair<string, object?>[] tags, Series series)
    {
        public int Hash => hash;

        public KeyValuePair<string, object?>[] Tags => tags;

        public Series Series => series;
    }
}

/// <summary>What became of a measurement.</summary>
internal enum RecordOutcome
{
    /// <summary>It went into the series of its tags.</summary>
    Recorded,

    /// <summary>The metric has all the series it may have: it went into the series <c>overflow="true"</c>.</summary>
    Overflowed,

    /// <summary>Its series cannot hold it: a total that would fall, or a value to be summed that is not finite. It was dropped.</summary>
    Invalid,
}
