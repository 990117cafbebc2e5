namespace Sidecar.Protocol.Grpc;

/// <summary>What <see cref="GrpcMessageScanner"/> found at the start of a buffer.</summary>
public enum GrpcScanStatus
{
    /// <summary>
    /// The start of a message, or nothing; more bytes decide. At the end of the stream: a clean end if the buffer is empty, else a
    /// truncated message.
    /// </summary>
    NeedMore,

    /// <summary>A complete message.</summary>
    Message,

    /// <summary>The message is compressed, and we agreed on no compression.</summary>
    Compressed,

    /// <summary>The flag is neither 0 nor 1: this is no gRPC, or the stream is out of step.</summary>
    BadFlag,

    /// <summary>Its length is above the limit. Nothing was allocated for it.</summary>
    TooLong,
}
