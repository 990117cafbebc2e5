namespace Sidecar.Protocol.Messages;

/// <summary>A piece of a body (spec §4.4). Exactly one event per direction has <see cref="IsLast"/> set.</summary>
/// <remarks>
/// Its parts can be set so that one object serves all pieces of a body, one after the other. One that a handler is given does not change.
/// </remarks>
public abstract record BodyChunkEvent : AgentEvent
{
    /// <summary>
    /// The bytes themselves, never base64. May share memory with the frame it was read from: valid until the event is answered.
    /// </summary>
    public ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>True for the last piece, which may be empty.</summary>
    public bool IsLast { get; set; }

    /// <summary>Size of the whole body in bytes when known.</summary>
    public ulong? TotalSize { get; set; }

    /// <summary>Running number of the piece in its direction, from 0.</summary>
    public uint ChunkIndex { get; set; }

    /// <summary>Bytes of this direction so far, this piece included (<c>bytes_received</c> or <c>bytes_sent</c>).</summary>
    public ulong BytesTransferred { get; set; }
}

/// <summary>A piece of the request body (spec §4.4).</summary>
public sealed record RequestBodyChunkEvent : BodyChunkEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.RequestBodyChunk;
}

/// <summary>A piece of the response body (spec §4.4).</summary>
public sealed record ResponseBodyChunkEvent : BodyChunkEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.ResponseBodyChunk;
}
