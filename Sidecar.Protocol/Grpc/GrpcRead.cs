using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Sidecar.Protocol.Grpc;

/// <summary>What came of waiting for a message.</summary>
/// <typeparam name="T">Its type.</typeparam>
/// <param name="Message">The message; null when the peer has sent its last, or is gone.</param>
/// <param name="IsGone">Whether the stream or its connection broke, or the wait was cancelled.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct GrpcRead<T>(T? Message, bool IsGone)
    where T : class, IMessage<T>;
