namespace Sidecar.Protocol.Messages;

/// <summary>A piece of the request body (spec §4.4).</summary>
public sealed record RequestBodyChunkEvent : BodyChunkEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.RequestBodyChunk;
}
