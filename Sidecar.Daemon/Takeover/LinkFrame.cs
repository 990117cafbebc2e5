using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Takeover;

/// <summary>What a frame between two daemons says.</summary>
internal enum LinkFrameKind : byte
{
    /// <summary>The first frame of each side: which version of this, and what its listener speaks.</summary>
    Hello = 1,

    /// <summary>Is an exchange of this id open with you?</summary>
    Knows = 2,

    /// <summary>Yes, or no: one byte.</summary>
    Known = 3,

    /// <summary>A question about it: milliseconds that are left, then the question.</summary>
    Ask = 4,

    Answer = 5,

    /// <summary>There is no answer.</summary>
    NoAnswer = 6,

    /// <summary>The answer is no longer wanted.</summary>
    Cancel = 7,

    /// <summary>I listen in your place, and my whole daemon is up.</summary>
    Superseded = 8,
}

/// <summary>One frame between two daemons: u32be length of the rest, the kind, u64be number of the call, payload.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Call">Which question it belongs to, numbered by the side that asks; 0 for none.</param>
/// <param name="Payload">In place, valid until the buffer is advanced.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LinkFrame(LinkFrameKind Kind, ulong Call, ReadOnlySequence<byte> Payload)
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderSize = sizeof(uint) + Fixed;

    /// <summary>
    /// Longest frame: the largest question of a script in JSON, its body of 16 MiB in base64 with a head of 1 MiB, and room.
    /// </summary>
    public const int MaxLength = 24 * 1024 * 1024;

    private const int Fixed = 1 + sizeof(ulong);

    /// <summary>Takes a frame off a buffer.</summary>
    /// <param name="buffer">What was received; the rest stays.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="error">What is wrong with it; null when it is only not whole.</param>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, out LinkFrame frame, out string? error)
    {
        (frame, error) = (default, null);
        if (buffer.Length < HeaderSize)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderSize];
        buffer.Slice(0, HeaderSize).CopyTo(header);
        var length = BinaryPrimitives.ReadUInt32BigEndian(header);
        var kind = (LinkFrameKind)header[sizeof(uint)];
        if (length is < Fixed or > MaxLength)
        {
            error = $"a frame of {length} bytes; at least {Fixed}, at most {MaxLength} are taken";
            return false;
        }

        if (kind is < LinkFrameKind.Hello or > LinkFrameKind.Superseded)
        {
            error = $"a frame of kind {(byte)kind}, which is none";
            return false;
        }

        if (buffer.Length < sizeof(uint) + length)
        {
            return false;
        }

        frame = new LinkFrame(
            kind, BinaryPrimitives.ReadUInt64BigEndian(header[(sizeof(uint) + 1)..]), buffer.Slice(HeaderSize, length - Fixed));
        buffer = buffer.Slice(sizeof(uint) + length);
        return true;
    }

    /// <summary>A frame as bytes.</summary>
    /// <param name="kind">What it says.</param>
    /// <param name="call">Which question it belongs to.</param>
    /// <param name="payload">The payload, in two pieces.</param>
    /// <param name="more">The second piece.</param>
    public static byte[] Of(LinkFrameKind kind, ulong call, ReadOnlySpan<byte> payload = default, ReadOnlySpan<byte> more = default)
    {
        var frame = new byte[HeaderSize + payload.Length + more.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)(frame.Length - sizeof(uint)));
        frame[sizeof(uint)] = (byte)kind;
        BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(sizeof(uint) + 1), call);
        payload.CopyTo(frame.AsSpan(HeaderSize));
        more.CopyTo(frame.AsSpan(HeaderSize + payload.Length));
        return frame;
    }
}
