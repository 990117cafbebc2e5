using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Bytes on their way from one stage to the next. Whoever is passed them disposes of them, once; a slice is disposed of by itself.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BodySegment : IDisposable
{
    private BodySegment(ReadOnlyMemory<byte> bytes, bool isLast, int? offset, BodyBuffer? owner)
    {
        (Bytes, IsLast, Offset, Owner) = (bytes, isLast, offset, owner);
    }

    /// <summary>
    /// The bytes. Those of a push are valid until the front end disposes of its step, held ones until they are disposed of, an answer's for ever.
    /// </summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Whether the body ends with them.</summary>
    public bool IsLast { get; }

    /// <summary>Where they begin in the push; null when they are not a part of it.</summary>
    public int? Offset { get; }

    /// <summary>Who holds them; null for those of a push or an answer.</summary>
    public BodyBuffer? Owner { get; }

    /// <summary>Part of what the front end handed in.</summary>
    public static BodySegment OfPush(ReadOnlyMemory<byte> bytes, int offset, bool isLast) => new(bytes, isLast, offset, null);

    /// <summary>An agent's replacement, which the garbage collector owns.</summary>
    public static BodySegment OfAnswer(ReadOnlyMemory<byte> bytes, bool isLast) => new(bytes, isLast, null, null);

    /// <summary>Everything that is held, with the owner's share.</summary>
    public static BodySegment Held(BodyBuffer owner, bool isLast) => new(owner.Memory, isLast, null, owner);

    /// <summary>A part of them.</summary>
    public BodySegment Slice(int start, int length, bool isLast) => new(Bytes.Slice(start, length), isLast, Offset + start, Owner?.Share());

    /// <summary>All of them once more.</summary>
    public BodySegment Share() => Slice(0, Bytes.Length, IsLast);

    /// <summary>Gives the share of their memory back.</summary>
    public void Dispose() => Owner?.Dispose();
}
