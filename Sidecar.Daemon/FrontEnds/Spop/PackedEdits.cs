using System.Buffers;
using System.Text;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Header edits as lists that HAProxy applies (proxy-integration §1.8): first remove, then set, then add.</summary>
/// <remarks>Of a header with several new values the first is set and the others added: two settings of one name would leave the second only (§1.9).</remarks>
internal sealed class PackedEdits
{
    private readonly ArrayBufferWriter<byte> _delete = new();
    private readonly ArrayBufferWriter<byte> _set = new();
    private readonly ArrayBufferWriter<byte> _add = new();

    /// <summary>Packs them; names and values have passed <see cref="HeaderRules"/>.</summary>
    public PackedEdits(IReadOnlyList<HeaderEdit> edits)
    {
        foreach (var edit in edits)
        {
            var name = Encoding.UTF8.GetBytes(edit.Name);
            if (!edit.KeepOriginal && edit.Values.Count == 0)
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

    /// <summary>Bytes of the fields that are set or added.</summary>
    public int Added { get; }

    /// <summary>Sets the variables; false, and then perhaps some of them, when they do not all fit.</summary>
    public bool TryWrite(SpopAckWriter ack, in EditLists names) =>
        TryWrite(ack, names.Delete, _delete) && TryWrite(ack, names.Set, _set) && TryWrite(ack, names.Add, _add);

    /// <summary>Bytes that the variables take.</summary>
    public int SizeOf(in EditLists names) => SizeOf(names.Delete, _delete) + SizeOf(names.Set, _set) + SizeOf(names.Add, _add);

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
