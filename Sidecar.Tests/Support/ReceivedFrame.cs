using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>A frame that a <see cref="ScriptedAgent"/> received; the payload is a copy.</summary>
internal sealed record ReceivedFrame(MessageType Type, byte[] Payload);
