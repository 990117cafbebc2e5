namespace Sidecar.Protocol.Grpc;

/// <summary>What an end without a gRPC status means in gRPC's own codes. The tables are gRPC's.</summary>
/// <remarks>Pure: no state, any thread.</remarks>
public static class GrpcStatusMapping
{
    /// <summary>For a response that is not gRPC: somebody on the way answered, not the service.</summary>
    public static GrpcStatusCode FromHttpStatus(int status) => status switch
    {
        400 => GrpcStatusCode.Internal,
        401 => GrpcStatusCode.Unauthenticated,
        403 => GrpcStatusCode.PermissionDenied,
        404 => GrpcStatusCode.Unimplemented,
        429 or 502 or 503 or 504 => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Unknown,
    };

    /// <summary>For a stream that was reset, or a connection that was closed, with an error code of HTTP/2 (RFC 9113 §7).</summary>
    public static GrpcStatusCode FromHttp2Error(long errorCode) => errorCode switch
    {
        0x7 => GrpcStatusCode.Unavailable, // REFUSED_STREAM: certainly not begun
        0x8 => GrpcStatusCode.Cancelled, // CANCEL
        0xB => GrpcStatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xC => GrpcStatusCode.PermissionDenied, // INADEQUATE_SECURITY
        >= 0 and <= 0xA => GrpcStatusCode.Internal,
        _ => GrpcStatusCode.Unknown,
    };
}
