using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Bytes on their way from one stage to the next.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PassedBytes
{
    private PassedBytes(ReadOnlyMemory<byte> bytes, bool isLast, BytesOrigin origin, int offset, HeldBytes? owner)
    {
        (Bytes, IsLast, Origin, Offset, Owner) = (bytes, isLast, origin, offset, owner);
    }

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private init; }

    /// <summary>Whether the body ends with them.</summary>
    public bool IsLast { get; private init; }

    /// <summary>How long they live.</summary>
    public BytesOrigin Origin { get; }

    /// <summary>Where they begin in the push; for bytes of the push only.</summary>
    public int Offset { get; private init; }

    /// <summary>Who holds them; the taker disposes of it. Only for bytes that are handed over.</summary>
    public HeldBytes? Owner { get; }

    /// <summary>Part of what the front end handed in.</summary>
    public static PassedBytes OfPush(ReadOnlyMemory<byte> bytes, int offset, bool isLast) => new(bytes, isLast, BytesOrigin.Push, offset, null);

    /// <summary>An agent's replacement, which the garbage collector owns.</summary>
    public static PassedBytes OfAnswer(ReadOnlyMemory<byte> bytes, bool isLast) => new(bytes, isLast, BytesOrigin.Answer, 0, null);

    /// <summary>Lent for the time of the call.</summary>
    public static PassedBytes Lent(ReadOnlyMemory<byte> bytes, bool isLast) => new(bytes, isLast, BytesOrigin.Lent, 0, null);

    /// <summary>Handed over with their memory.</summary>
    public static PassedBytes HandedOver(HeldBytes owner, bool isLast) => new(owner.Memory, isLast, BytesOrigin.HandedOver, 0, owner);

    /// <summary>A part of them, itself lent unless it comes from the push or an answer.</summary>
    public PassedBytes Slice(int start, int length, bool isLast) => Origin switch
    {
        BytesOrigin.Push => OfPush(Bytes.Slice(start, length), Offset + start, isLast),
        BytesOrigin.Answer => OfAnswer(Bytes.Slice(start, length), isLast),
        _ => Lent(Bytes.Slice(start, length), isLast),
    };
}

/// <summary>How long bytes on their way live.</summary>
internal enum BytesOrigin
{
    /// <summary>Until the front end disposes of the step.</summary>
    Push,

    /// <summary>As long as somebody refers to them.</summary>
    Answer,

    /// <summary>Until the call returns.</summary>
    Lent,

    /// <summary>Until the taker disposes of their owner.</summary>
    HandedOver,
}
