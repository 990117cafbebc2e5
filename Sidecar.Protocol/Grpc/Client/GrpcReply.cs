namespace Sidecar.Protocol.Grpc.Client;

/// <summary>The end of a call that asks once and is answered once.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Message">The answer; there if and only if the status is OK.</param>
public readonly record struct GrpcReply<T>(GrpcStatus Status, T? Message)
    where T : class;
