using System.Buffers;
using System.Text;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Header edits as lists that HAProxy applies (proxy integration §1.8): first remove, then set, then add.</summary>
/// <remarks>
/// Of several new values the first is set and the others added: two settings of one name would leave the second only (proxy integration
/// §1.9).
/// </remarks>
internal sealed class PackedEdits
{
    private readonly ArrayBufferWriter<byte> _delete = new();
    private readonly ArrayBufferWriter<byte> _set = new();
    private readonly ArrayBufferWriter<byte> _add = new();

    /// <summary>Packs them; names and values have passed <see cref="HeaderRules"/>.</summary>
    /// <param name="edits">What the agents want.</param>
    /// <param name="headers">The headers that came: other spellings of a name that is removed or set go, too (rule 9).</param>
    public PackedEdits(IReadOnlyList<HeaderEdit> edits, HeaderBlock? headers = null)
    {
        foreach (var edit in edits)
        {
            var name = Encoding.UTF8.GetBytes(edit.Name);
            for (var i = 0; !edit.KeepOriginal && i < headers?.Count; i++)
            {
                if (headers.IsFirstOfName(i) && IsOtherSpelling(headers.Name(i), name))
                {
                    SpopHeaderLists.WriteName(_delete, headers.Name(i));
                }
            }

            if (edit.IsRemoval)
            {
                SpopHeaderLists.WriteName(_delete, name);
            }

            for (var i = 0; i < edit.Values.Count; i++)
            {
                SpopHeaderLists.WriteField(i == 0 && !edit.KeepOriginal ? _set : _add, name, Encoding.UTF8.GetBytes(edit.Values[i]));
            }
        }

        // What HAProxy has to find room for.
        Added = _set.WrittenCount + _add.WrittenCount;
        End(_delete, SpopHeaderLists.WriteNamesEnd);
        End(_set, SpopHeaderLists.WriteFieldsEnd);
        End(_add, SpopHeaderLists.WriteFieldsEnd);
    }

    /// <summary>Whether two names differ in <c>_</c> and <c>-</c> only: many upstreams take such for one.</summary>
    public static bool IsOtherSpelling(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        var isOther = one.Length == other.Length && !Ascii.EqualsIgnoreCase(one, other);
        for (var i = 0; isOther && i < one.Length; i++)
        {
            isOther = IsDash(one[i], other[i]) || Ascii.EqualsIgnoreCase(one.Slice(i, 1), other.Slice(i, 1));
        }

        return isOther;
    }

    /// <summary>Bytes of the fields that are set or added.</summary>
    public int Added { get; }

    /// <summary>Sets the variables; false, and then perhaps some of them, when they do not all fit.</summary>
    public bool TryWrite(SpopAckWriter ack, in EditLists names) =>
        TryWrite(ack, names.Delete, _delete) && TryWrite(ack, names.Set, _set) && TryWrite(ack, names.Add, _add);

    /// <summary>Bytes that the variables take.</summary>
    public int SizeOf(in EditLists names) => SizeOf(names.Delete, _delete) + SizeOf(names.Set, _set) + SizeOf(names.Add, _add);

    private static bool IsDash(byte one, byte other) => one is (byte)'_' or (byte)'-' && other is (byte)'_' or (byte)'-';

    private static void End(ArrayBufferWriter<byte> list, Action<IBufferWriter<byte>> end)
    {
        if (list.WrittenCount > 0)
        {
            end(list);
        }
    }

    private static int SizeOf(ReadOnlySpan<byte> name, ArrayBufferWriter<byte> list) =>
        list.WrittenCount == 0 ? 0 : SpopAckWriter.SizeOfSet(name, SpopValue.Binary(list.WrittenSpan));

    private static bool TryWrite(SpopAckWriter ack, ReadOnlySpan<byte> name, ArrayBufferWriter<byte> list) =>
        list.WrittenCount == 0 || ack.TrySet(SpopScope.Transaction, name, SpopValue.Binary(list.WrittenSpan));
}
