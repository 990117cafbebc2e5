using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Sidecar.Daemon.Listeners;

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

/// <summary>
/// Where the daemons at one listener find each other: a socket file beside the listener's, or for an address an abstract name, which has no
/// file.
/// </summary>
/// <param name="path">The listener's path.</param>
/// <param name="address">Its address; null for a path.</param>
internal sealed class LinkPlace(string path, IPEndPoint? address)
{
    /// <summary>What the link's socket file is called: the listener's path, and this.</summary>
    public const string Suffix = ".link";

    private readonly string _text = address is null ? path + Suffix : $"\0sidecar-{address}{Suffix}";

    /// <summary>Whether only one daemon can have it at a time: the next has to wait until it is let go.</summary>
    public bool IsExclusive => address is not null;

    /// <summary>Where to connect.</summary>
    public UnixDomainSocketEndPoint EndPoint => new(_text);

    /// <summary>Makes the bound socket.</summary>
    /// <param name="file">Owns the file, where there is one.</param>
    public Socket Bind(UnixListenerSocket file) => IsExclusive ? AbstractSocket.Bind(EndPoint) : file.Bind(EndPoint);

    public override string ToString() => _text.Replace('\0', '@');
}

/// <summary>What a link between two daemons bears.</summary>
internal sealed record LinkOptions
{
    /// <summary>What the listener speaks; a link between listeners that speak differently is of no use.</summary>
    public required string Kind { get; init; }

    /// <summary>Questions under way in each direction: 1,024, more responses than a proxy asks about in the 20 ms that one takes.</summary>
    public int MaxCalls { get; init; } = 1024;

    /// <summary>Bytes of the other's questions held at once: 64 MiB; beyond it they get no answer.</summary>
    public long MaxBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Unsent bytes: 8 MiB. A frame that finds no room in time is not sent.</summary>
    public int MaxUnsent { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long the other may take to introduce itself, or leave answers unread: 5 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
