namespace Sidecar.Protocol.Grpc;

/// <summary>How a call ended, and why.</summary>
/// <param name="Code">The code; numbers unknown to gRPC are read as <see cref="GrpcStatusCode.Unknown"/>.</param>
/// <param name="Message">For a person; empty if there is nothing to say. It may come from the peer.</param>
public readonly record struct GrpcStatus(GrpcStatusCode Code, string Message = "")
{
    /// <summary>It succeeded.</summary>
    public static GrpcStatus Ok => new(GrpcStatusCode.Ok);

    /// <summary>Whether the call succeeded.</summary>
    public bool IsOk => Code == GrpcStatusCode.Ok;

    /// <inheritdoc/>
    public override string ToString() => string.IsNullOrEmpty(Message) ? Code.ToString() : $"{Code}: {Message}";
}

/// <summary>How a gRPC call ended; the number that travels in <c>grpc-status</c>.</summary>
public enum GrpcStatusCode
{
    /// <summary>It succeeded.</summary>
    Ok = 0,

    /// <summary>One side gave it up, normally the caller.</summary>
    Cancelled = 1,

    /// <summary>It failed, and nothing better is known.</summary>
    Unknown = 2,

    /// <summary>What was sent makes no sense.</summary>
    InvalidArgument = 3,

    /// <summary>Its time was over.</summary>
    DeadlineExceeded = 4,

    /// <summary>What was asked for does not exist.</summary>
    NotFound = 5,

    /// <summary>What should be made exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller may not.</summary>
    PermissionDenied = 7,

    /// <summary>A limit was reached: of size, memory or number.</summary>
    ResourceExhausted = 8,

    /// <summary>Not in this state.</summary>
    FailedPrecondition = 9,

    /// <summary>It was in the way of another.</summary>
    Aborted = 10,

    /// <summary>Beyond the valid range; some peers say it for a message above their limit.</summary>
    OutOfRange = 11,

    /// <summary>There is no such method, or no such compression.</summary>
    Unimplemented = 12,

    /// <summary>A promise of the protocol was broken.</summary>
    Internal = 13,

    /// <summary>The peer cannot be reached now.</summary>
    Unavailable = 14,

    /// <summary>Data is lost for good.</summary>
    DataLoss = 15,

    /// <summary>The caller did not say who it is.</summary>
    Unauthenticated = 16,
}

/// <summary>A call cannot go on and ends with a status: because of what the peer sent, or because its handler says so.</summary>
public sealed class GrpcException : Exception
{
    /// <summary>An end with a code, and a message that the peer gets to read.</summary>
    public GrpcException(GrpcStatusCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Status = new GrpcStatus(code, message);

    /// <summary>How the call ends.</summary>
    public GrpcStatus Status { get; }
}

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
