namespace Sidecar.Protocol.Messages;

/// <summary>A ping, and the pong that repeats it (spec §6.7).</summary>
/// <param name="Sequence">From 0.</param>
/// <param name="TimestampMs">When, in Unix milliseconds.</param>
public readonly record struct PingMessage(ulong Sequence, ulong TimestampMs);
