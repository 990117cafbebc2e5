namespace Sidecar.Protocol.Messages;

/// <summary>A piece of the response body (spec §4.4).</summary>
public sealed record ResponseBodyChunkEvent : BodyChunkEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.ResponseBodyChunk;
}
