namespace Sidecar.Protocol.Messages;

/// <summary>A change of body bytes (spec §5.4).</summary>
/// <param name="Data">Null passes the original, empty drops it, anything else replaces it. Never base64.</param>
/// <param name="ChunkIndex">
/// The piece it is about; 0 on the last event of an agent that held every earlier piece means the whole body.
/// </param>
public sealed record BodyMutation(ReadOnlyMemory<byte>? Data, uint ChunkIndex = 0);
