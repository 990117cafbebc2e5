using System.Text;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>The members of a message: name to number for maps, position to number for arrays (spec §4.2). Immutable.</summary>
internal sealed class MemberTable
{
    private readonly string[] _names;
    private readonly byte[][] _utf8;
    private readonly sbyte[] _slots;
    private readonly sbyte[] _positions;

    /// <summary>A table whose members are numbered in the order of their names.</summary>
    /// <param name="positional">How many of them an array holds, from the first on.</param>
    /// <param name="names">The names; at most 64.</param>
    internal MemberTable(int positional, params string[] names)
    {
        _names = names;
        _utf8 = Array.ConvertAll(names, Encoding.UTF8.GetBytes);
        _slots = new sbyte[names.Length <= 16 ? 64 : 256];
        Array.Fill(_slots, (sbyte)-1);
        _positions = new sbyte[positional];
        for (var i = 0; i < names.Length; i++)
        {
            var slot = Slot(_utf8[i]);
            while (_slots[slot] >= 0)
            {
                slot = (slot + 1) & (_slots.Length - 1);
            }

            _slots[slot] = (sbyte)i;
            if (i < positional)
            {
                _positions[i] = (sbyte)i;
            }
        }
    }

    private MemberTable(MemberTable names, sbyte[] positions)
    {
        (_names, _utf8, _slots) = (names._names, names._utf8, names._slots);
        _positions = positions;
    }

    /// <summary>The same members in another order of array elements.</summary>
    internal MemberTable InOrder(params string[] names) =>
        new(this, Array.ConvertAll(names, name => (sbyte)Array.IndexOf(_names, name)));

    internal string Name(int member) => _names[member];

    internal ReadOnlySpan<byte> Utf8(int member) => _utf8[member];

    /// <summary>The member at a position of an array, or -1.</summary>
    internal int At(int position) => (uint)position < (uint)_positions.Length ? _positions[position] : -1;

    /// <summary>The member with a name, or -1.</summary>
    /// <param name="name">The name.</param>
    /// <param name="likely">The member to try first: most writers keep to the order of declaration.</param>
    internal int IndexOf(ReadOnlySpan<byte> name, int likely)
    {
        var names = _utf8;
        return (uint)likely < (uint)names.Length && name.SequenceEqual(names[likely]) ? likely : IndexOf(name);
    }

    /// <summary>The member with a name, or -1.</summary>
    internal int IndexOf(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
        {
            return -1;
        }

        var slots = _slots;
        for (var slot = Slot(name); slots[slot] >= 0; slot = (slot + 1) & (slots.Length - 1))
        {
            if (name.SequenceEqual(_utf8[slots[slot]]))
            {
                return slots[slot];
            }
        }

        return -1;
    }

    private int Slot(ReadOnlySpan<byte> name) => ((name[0] * 5) + (name[^1] * 17) + (name.Length * 3)) & (_slots.Length - 1);
}
