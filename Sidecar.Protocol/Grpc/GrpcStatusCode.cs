namespace Sidecar.Protocol.Grpc;

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
