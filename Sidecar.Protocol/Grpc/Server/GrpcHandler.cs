namespace Sidecar.Protocol.Grpc.Server;

/// <summary>Answers the calls of one method.</summary>
/// <remarks>
/// It must return soon after <see cref="GrpcServerCall.Cancellation"/> fires: nobody waits for it any more, and a server that stops waits
/// for all.
/// </remarks>
/// <param name="call">
/// The call. It ends when the task does: with OK, with what <see cref="GrpcServerCall.Fail"/> said, or with the status of the
/// <see cref="GrpcException"/> thrown.
/// </param>
public delegate Task GrpcHandler(GrpcServerCall call);
