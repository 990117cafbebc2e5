using System.Text;
using System.Text.Unicode;

namespace Sidecar.Protocol.Messages;

/// <summary>The header fields of one message, in order, duplicates kept, as one flat block of UTF-8 bytes with offsets.</summary>
/// <remarks>
/// Names are lower-cased as they are added (spec §4.3). A field may have no value at all (a name with an empty list on the wire).
/// Filled by one thread, then only read, from any thread.
/// </remarks>
public sealed class HeaderBlock
{
    private const int NoValue = -1;

    private byte[] _bytes;
    private Entry[] _entries;
    private int _used;

    /// <summary>An empty block.</summary>
    /// <param name="fieldCapacity">How many fields to make room for.</param>
    /// <param name="byteCapacity">How many bytes of names and values to make room for.</param>
    public HeaderBlock(int fieldCapacity = 16, int byteCapacity = 512)
    {
        _entries = new Entry[fieldCapacity];
        _bytes = new byte[byteCapacity];
    }

    /// <summary>How many fields there are, duplicates counted.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all names and values together.</summary>
    public int ByteCount => _used;

    /// <summary>The lower-case UTF-8 name of a field.</summary>
    public ReadOnlySpan<byte> Name(int index) => _bytes.AsSpan(At(index).Start, At(index).NameLength);

    /// <summary>The UTF-8 value of a field; empty where the field has none.</summary>
    public ReadOnlySpan<byte> Value(int index)
    {
        var entry = At(index);
        return entry.ValueLength <= 0 ? default : _bytes.AsSpan(entry.Start + entry.NameLength, entry.ValueLength);
    }

    /// <summary>False for a name that came with an empty list of values.</summary>
    public bool HasValue(int index) => At(index).ValueLength != NoValue;

    /// <summary>Adds a field. The name is lower-cased (ASCII); one that is no UTF-8 is taken for Latin-1.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var start = Append(name);
        var nameLength = _used - start;
        value.CopyTo(Reserve(value.Length));
        Commit(start, nameLength, value.Length);
    }

    /// <summary>Adds a field. The name is lower-cased (ASCII).</summary>
    public void Add(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        var start = _used;
        var nameLength = Encoding.UTF8.GetBytes(name, Reserve(Encoding.UTF8.GetByteCount(name)));
        Lower(_bytes.AsSpan(start, nameLength));
        var valueLength = Encoding.UTF8.GetBytes(value, Reserve(Encoding.UTF8.GetByteCount(value)));
        Commit(start, nameLength, valueLength);
    }

    /// <summary>Adds a name that has no values.</summary>
    public void AddNameOnly(ReadOnlySpan<byte> name)
    {
        var start = Append(name);
        Commit(start, _used - start, NoValue);
    }

    /// <summary>The index of the next field with this name at or after <paramref name="from"/>, or -1.</summary>
    /// <param name="lowerName">The name, already lower-case.</param>
    /// <param name="from">Where to begin.</param>
    public int IndexOf(ReadOnlySpan<byte> lowerName, int from = 0)
    {
        var hash = HashOf(lowerName);
        for (var i = from; i < Count; i++)
        {
            if (_entries[i].NameHash == hash && Name(i).SequenceEqual(lowerName))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>How many different names there are.</summary>
    public int NameCount { get; private set; }

    /// <summary>True when no earlier field has the name of this one.</summary>
    public bool IsFirstOfName(int index) => At(index).IsFirst;

    /// <summary>The index of the next field with the same name, or -1.</summary>
    public int NextOfName(int index) => At(index).Next;

    /// <summary>The first value of a header as text, or null when it is absent.</summary>
    /// <param name="name">The name in any case.</param>
    public string? Get(string name)
    {
        foreach (var value in GetAll(name))
        {
            return value;
        }

        return null;
    }

    /// <summary>All values of a header as text, in order.</summary>
    /// <param name="name">The name in any case.</param>
    public IEnumerable<string> GetAll(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var lower = Encoding.UTF8.GetBytes(name);
        Lower(lower);
        for (var i = IndexOf(lower); i >= 0; i = IndexOf(lower, i + 1))
        {
            if (HasValue(i))
            {
                yield return Encoding.UTF8.GetString(Value(i));
            }
        }
    }

    /// <summary>Forgets all fields and keeps the memory.</summary>
    public void Clear() => (Count, NameCount, _used) = (0, 0, 0);

    private ref readonly Entry At(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return ref _entries[index];
    }

    private int Append(ReadOnlySpan<byte> name)
    {
        var start = _used;
        if (Utf8.IsValid(name))
        {
            name.CopyTo(Reserve(name.Length));
        }
        else
        {
            // As Latin-1: encoders replace what is no UTF-8, and names that become the same are lost but for one.
            var text = Encoding.Latin1.GetString(name);
            Encoding.UTF8.GetBytes(text, Reserve(Encoding.UTF8.GetByteCount(text)));
        }

        Lower(_bytes.AsSpan(start, _used - start));
        return start;
    }

    private Span<byte> Reserve(int length)
    {
        if (_bytes.Length - _used < length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _used + length));
        }

        var span = _bytes.AsSpan(_used, length);
        _used += length;
        return span;
    }

    private void Commit(int start, int nameLength, int valueLength)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Math.Max(4, _entries.Length * 2));
        }

        var name = _bytes.AsSpan(start, nameLength);
        var hash = HashOf(name);
        var isFirst = LinkToPrevious(name, hash);
        NameCount += isFirst ? 1 : 0;
        _entries[Count++] = new Entry(start, nameLength, valueLength, hash) { IsFirst = isFirst };
    }

    // Grouping by name is done once here and not by every encoder that writes the block.
    private bool LinkToPrevious(ReadOnlySpan<byte> name, int hash)
    {
        for (var i = Count - 1; i >= 0; i--)
        {
            ref var entry = ref _entries[i];
            if (entry.NameHash == hash && name.SequenceEqual(_bytes.AsSpan(entry.Start, entry.NameLength)))
            {
                entry.Next = Count;
                return false;
            }
        }

        return true;
    }

    private static void Lower(Span<byte> name)
    {
        foreach (ref var b in name)
        {
            if (b is >= (byte)'A' and <= (byte)'Z')
            {
                b |= 0x20;
            }
        }
    }

    // Only a filter in front of the comparison: it keeps the grouping of many fields by name cheap.
    private static int HashOf(ReadOnlySpan<byte> name)
    {
        var hash = name.Length;
        foreach (var b in name)
        {
            hash = (hash * 31) + b;
        }

        return hash;
    }

    private record struct Entry(int Start, int NameLength, int ValueLength, int NameHash)
    {
        internal int Next { get; set; } = -1;

        internal bool IsFirst { get; init; }
    }
}
