namespace Sidecar.Protocol.Grpc;

/// <summary>A call cannot go on and ends with a status: because of what the peer sent, or because its handler says so.</summary>
public sealed class GrpcException : Exception
{
    /// <summary>An end with a code, and a message that the peer gets to read.</summary>
    public GrpcException(GrpcStatusCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Status = new GrpcStatus(code, message);

    /// <summary>How the call ends.</summary>
    public GrpcStatus Status { get; }
}
