using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Transport;

/// <summary>Bounds of a connection.</summary>
public sealed record FrameConnectionOptions
{
    /// <summary>The defaults.</summary>
    public static FrameConnectionOptions Default { get; } = new();

    /// <summary>How messages follow each other. The default is length and type, as on Unix sockets.</summary>
    public FrameFormat Format { get; init; } = FrameFormat.Native;

    /// <summary>Largest frame accepted, type byte included. The protocol's limit is 16 MiB (spec §2.1).</summary>
    public int MaxFrameLength { get; init; } = FrameLimits.MaxLength;

    /// <summary>
    /// Bytes that may wait to be written before senders are told to wait: 1 MiB, so that 256 calls of a few KiB fit while a peer that does
    /// not read is noticed soon. One frame larger than this is taken alone.
    /// </summary>
    public int MaxUnsentBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// How long a connection that ends cleanly may still write what was taken: 5 s. What a peer has not read by then is lost.
    /// </summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock of <see cref="CloseTimeout"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
