namespace Sidecar.Protocol.Sdk;

/// <summary>Memory for the events whose bytes outlive the read loop's view of them: bodies and WebSocket frames.</summary>
internal static class EventMemory
{
    /// <summary>A rented copy for events that share memory with their payload; null and the payload itself for those that do not.</summary>
    public static byte[]? Copy(MessageType type, ReadOnlyMemory<byte> payload, out ReadOnlyMemory<byte> memory)
    {
        if (type is not (MessageType.RequestBodyChunk or MessageType.ResponseBodyChunk or MessageType.WebSocketFrame))
        {
            memory = payload;
            return null;
        }

        var rented = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(rented);
        memory = rented.AsMemory(0, payload.Length);
        return rented;
    }

    public static void Return(byte[]? memory)
    {
        if (memory is not null)
        {
            ArrayPool<byte>.Shared.Return(memory);
        }
    }
}
