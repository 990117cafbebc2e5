namespace Sidecar.Tests.Support;

/// <summary>The frames that HAProxy sends, as bytes. What comes back is read with <see cref="SpopAgentFrame"/>.</summary>
internal static class SpopProxy
{
    public const byte Unset = 0;
    public const byte Hello = 1;
    public const byte Disconnect = 2;
    public const byte Notify = 3;

    public const uint Fin = 1;
    public const uint Abort = 2;

    /// <summary>What HAProxy offers with <c>tune.bufsize</c> at its default.</summary>
    public const uint DefaultMaxFrameSize = 16_380;

    /// <summary>Any frame, also one that HAProxy would never send.</summary>
    public static byte[] Frame(byte type, uint flags, ulong streamId, ulong frameId, byte[] payload)
    {
        byte[] body = [type, .. SpopBytes.UInt32(flags), .. SpopBytes.Varint(streamId), .. SpopBytes.Varint(frameId), .. payload];
        return [.. SpopBytes.UInt32((uint)body.Length), .. body];
    }

    /// <summary>The HELLO of a version: 2.x offers <c>pipelining,async</c>, 3.1 and newer <c>pipelining</c>.</summary>
    public static byte[] HelloFrame(uint maxFrameSize = DefaultMaxFrameSize, string capabilities = "pipelining") => HelloFrame(
        ("supported-versions", "2.0"),
        ("max-frame-size", maxFrameSize),
        ("capabilities", capabilities),
        ("engine-id", "8d2f0c3e-4b1a-4f7e-9c5d-2a6b8e0f1c3d"));

    /// <summary>A HELLO with other items.</summary>
    public static byte[] HelloFrame(params (string Key, object? Value)[] items) => Frame(Hello, Fin, 0, 0, SpopBytes.Items(items));

    /// <summary>The HELLO of <c>option spop-check</c>.</summary>
    public static byte[] HealthCheckFrame() => HelloFrame(
        ("supported-versions", "2.0"), ("max-frame-size", DefaultMaxFrameSize), ("capabilities", ""), ("healthcheck", true));

    /// <summary>A NOTIFY of one message in one frame.</summary>
    public static byte[] NotifyFrame(ulong streamId, ulong frameId, string message, params (string Key, object? Value)[] arguments) =>
        Frame(Notify, Fin, streamId, frameId, Message(message, arguments));

    /// <summary>One message of a NOTIFY's payload.</summary>
    public static byte[] Message(string name, params (string Key, object? Value)[] arguments) =>
        [.. SpopBytes.String(name), checked((byte)arguments.Length), .. SpopBytes.Items(arguments)];

    /// <summary>A payload in pieces of <paramref name="size"/> bytes, as 2.x sends it: NOTIFY, then UNSET, FIN on the last.</summary>
    public static IReadOnlyList<byte[]> Fragments(ulong streamId, ulong frameId, byte[] payload, int size)
    {
        var pieces = payload.Chunk(size).ToArray();
        return
        [
            .. pieces.Select((piece, i) => Frame(i == 0 ? Notify : Unset, i == pieces.Length - 1 ? Fin : 0, streamId, frameId, piece)),
        ];
    }

    /// <summary>What 2.x sends when the stream of a message begun is gone.</summary>
    public static byte[] AbortFrame(ulong streamId, ulong frameId) => Frame(Unset, Fin | Abort, streamId, frameId, []);

    /// <summary>The end of a connection; 2.x sends 2 ("a timeout occurred") when idle and 0 ("normal") on a soft stop.</summary>
    public static byte[] DisconnectFrame(uint code, string message) =>
        Frame(Disconnect, Fin, 0, 0, SpopBytes.Items([("status-code", code), ("message", message)]));

    /// <summary>A header block in the form of <c>req.hdrs_bin</c>.</summary>
    public static byte[] HeaderBlock(params (string Name, string Value)[] headers) =>
        [.. headers.SelectMany(header => (byte[])[.. SpopBytes.String(header.Name), .. SpopBytes.String(header.Value)]), 0, 0];
}
