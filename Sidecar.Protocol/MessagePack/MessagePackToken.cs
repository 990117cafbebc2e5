using System.Runtime.InteropServices;

namespace Sidecar.Protocol.MessagePack;

/// <summary>What the first bytes of a value say about it: enough to step over the value without reading it.</summary>
/// <param name="Kind">The kind of value; never <see cref="MessagePackKind.Invalid"/>.</param>
/// <param name="HeaderSize">Bytes of leading code, length and type code, 1 to 9; for nil, booleans and numbers the whole value.</param>
/// <param name="Length">Bytes that follow (str, bin, ext), elements (array) or pairs (map) as claimed by the sender; else 0.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct MessagePackToken(MessagePackKind Kind, int HeaderSize, uint Length)
{
    /// <summary>Whether further values belong to this one: an array or a map.</summary>
    public bool IsContainer => Kind is MessagePackKind.Array or MessagePackKind.Map;

    /// <summary>Bytes of header and payload together, without the elements of a container; up to 4 GiB and 6 bytes.</summary>
    public long Size => IsContainer ? HeaderSize : HeaderSize + (long)Length;

    /// <summary>How many values directly follow as elements, or as keys and values; each takes at least one byte.</summary>
    public long Children => Kind switch
    {
        MessagePackKind.Array => Length,
        MessagePackKind.Map => 2L * Length,
        _ => 0,
    };
}
