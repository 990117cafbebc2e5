using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace Sidecar.Protocol.Messages;

/// <summary>
/// The header fields of one message, in order, duplicates kept, as one flat block: a table of fields, and behind it their UTF-8 bytes.
/// </summary>
/// <remarks>
/// Names are lower-cased as they are added (spec §4.3). A field may have no value at all (a name with an empty list on the wire).
/// Filled by one thread, then only read, from any thread.
/// </remarks>
public sealed partial class HeaderBlock
{
    private static readonly int Factor = RandomNumberGenerator.GetInt32(int.MaxValue) | 1;

    // Names up to this length are looked for without memory of their own.
    private const int MaxStackName = 128;

    private byte[] _memory;
    private int _room;
    private int _used;

    /// <summary>An empty block. It grows; with the right capacities it takes no more memory than its fields need.</summary>
    /// <param name="fieldCapacity">How many fields to make room for.</param>
    /// <param name="byteCapacity">How many bytes of names and values to make room for.</param>
    public HeaderBlock(int fieldCapacity = 16, int byteCapacity = 512)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fieldCapacity);
        ArgumentOutOfRangeException.ThrowIfNegative(byteCapacity);
        _room = fieldCapacity;
        _memory = new byte[checked((fieldCapacity * Unsafe.SizeOf<Entry>()) + byteCapacity)];
    }

    /// <summary>How many fields there are, duplicates counted.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all names and values together.</summary>
    public int ByteCount => _used;

    // The table; only the first Count entries mean anything.
    private Span<Entry> Entries => MemoryMarshal.Cast<byte, Entry>(_memory.AsSpan(0, _room * Unsafe.SizeOf<Entry>()));

    private Span<byte> Bytes => _memory.AsSpan(_room * Unsafe.SizeOf<Entry>());

    /// <summary>The lower-case UTF-8 name of a field.</summary>
    public ReadOnlySpan<byte> Name(int index)
    {
        ref readonly var entry = ref At(index);
        return Bytes.Slice(entry.Start, entry.NameLength);
    }

    /// <summary>The UTF-8 value of a field; empty where the field has none.</summary>
    public ReadOnlySpan<byte> Value(int index)
    {
        var start = At(index).ValueStart;
        return Bytes[start..(index + 1 < Count ? Entries[index + 1].Start : _used)];
    }

    /// <summary>False for a name that came with an empty list of values.</summary>
    public bool HasValue(int index) => At(index).HasValue;

    /// <summary>Adds a field. The name is lower-cased (ASCII); one that is no UTF-8 is taken for Latin-1.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var start = Append(name);
        var nameLength = _used - start;
        value.CopyTo(Reserve(value.Length));
        Commit(start, nameLength, hasValue: true);
    }

    /// <summary>Adds a field. The name is lower-cased (ASCII).</summary>
    public void Add(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        if (TryAddAscii(name, value))
        {
            return;
        }

        var start = _used;
        var nameLength = Encoding.UTF8.GetBytes(name, Reserve(Encoding.UTF8.GetByteCount(name)));
        Lower(Bytes.Slice(start, nameLength));
        Encoding.UTF8.GetBytes(value, Reserve(Encoding.UTF8.GetByteCount(value)));
        Commit(start, nameLength, hasValue: true);
    }

    /// <summary>
    /// Adds a field, the name lower-cased, if both are ASCII, which nearly all are; otherwise false, and nothing is added.
    /// </summary>
    internal bool TryAddAscii(ReadOnlySpan<char> name, ReadOnlySpan<char> value)
    {
        var start = _used;
        var field = Reserve(name.Length + value.Length);
        if (Ascii.ToLower(name, field, out _) == OperationStatus.Done
            && Ascii.FromUtf16(value, field[name.Length..], out _) == OperationStatus.Done)
        {
            Commit(start, name.Length, hasValue: true);
            return true;
        }

        _used = start;
        return false;
    }

    /// <summary>Adds a name that has no values.</summary>
    public void AddNameOnly(ReadOnlySpan<byte> name)
    {
        var start = Append(name);
        Commit(start, _used - start, hasValue: false);
    }

    /// <summary>The index of the next field with this name at or after <paramref name="from"/>, or -1.</summary>
    /// <param name="lowerName">The name, already lower-case.</param>
    /// <param name="from">Where to begin.</param>
    public int IndexOf(ReadOnlySpan<byte> lowerName, int from = 0)
    {
        var hash = HashOf(lowerName);
        var entries = Entries[..Count];
        for (var i = from; i < entries.Length; i++)
        {
            if (entries[i].NameHash == hash && Name(i).SequenceEqual(lowerName))
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
        ArgumentNullException.ThrowIfNull(name);
        Span<byte> lower = stackalloc byte[MaxStackName];
        lower = Ascii.ToLower(name, lower, out var length) == OperationStatus.Done ? lower[..length] : LowerOf(name);
        for (var i = IndexOf(lower); i >= 0; i = At(i).Next)
        {
            if (HasValue(i))
            {
                return Encoding.UTF8.GetString(Value(i));
            }
        }

        return null;
    }

    /// <summary>All values of a header as text, in order.</summary>
    /// <param name="name">The name in any case.</param>
    public IEnumerable<string> GetAll(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        for (var i = IndexOf(LowerOf(name)); i >= 0; i = At(i).Next)
        {
            if (HasValue(i))
            {
                yield return Encoding.UTF8.GetString(Value(i));
            }
        }
    }

    /// <summary>Forgets all fields and keeps the memory.</summary>
    public void Clear() => (Count, NameCount, _used) = (0, 0, 0);

    private ref Entry At(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return ref Entries[index];
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

        Lower(Bytes[start.._used]);
        return start;
    }

    private Span<byte> Reserve(int length)
    {
        if (Bytes.Length - _used < length)
        {
            Grow(_room, Math.Max(Bytes.Length * 2, _used + length));
        }

        var span = Bytes.Slice(_used, length);
        _used += length;
        return span;
    }

    private void Commit(int start, int nameLength, bool hasValue)
    {
        if (Count == _room)
        {
            Grow(Math.Max(4, _room * 2), Bytes.Length);
        }

        var name = Bytes.Slice(start, nameLength);
        var hash = HashOf(name);
        var isFirst = LinkToPrevious(name, hash);
        NameCount += isFirst ? 1 : 0;
        Entries[Count++] = new Entry(start, nameLength, hasValue, hash, isFirst);
    }

    private void Grow(int fields, int bytes)
    {
        var grown = new byte[checked((fields * Unsafe.SizeOf<Entry>()) + bytes)];
        _memory.AsSpan(0, Count * Unsafe.SizeOf<Entry>()).CopyTo(grown);
        Bytes[.._used].CopyTo(grown.AsSpan(fields * Unsafe.SizeOf<Entry>()));
        (_memory, _room) = (grown, fields);
    }

    // Grouping by name is done once here and not by every encoder that writes the block.
    private bool LinkToPrevious(ReadOnlySpan<byte> name, int hash)
    {
        var entries = Entries[..Count];
        for (var i = entries.Length - 1; i >= 0; i--)
        {
            ref var entry = ref entries[i];
            if (entry.NameHash == hash && name.SequenceEqual(Bytes.Slice(entry.Start, entry.NameLength)))
            {
                entry.LinkTo(Count);
                return false;
            }
        }

        return true;
    }

    private static byte[] LowerOf(string name)
    {
        var lower = Encoding.UTF8.GetBytes(name);
        Lower(lower);
        return lower;
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

    // A filter in front of the comparison, which keeps the grouping of many fields by name cheap. Whoever sends the names does not know the
    // factor, and so finds none that fall together.
    private static int HashOf(ReadOnlySpan<byte> name)
    {
        var hash = name.Length;
        foreach (var b in name)
        {
            hash = (hash ^ b) * Factor;
        }

        return hash;
    }
}
