namespace Sidecar.Protocol.Grpc;

/// <summary>The frame around a message: one byte that is 1 if it is compressed, its length as u32 big-endian, then its bytes.</summary>
public static class GrpcMessageFormat
{
    /// <summary>Bytes before a message: flag and length.</summary>
    public const int PrefixSize = 5;

    /// <summary>What gRPC libraries take unless told otherwise, in bytes: 4 MiB.</summary>
    public const int DefaultMaxLength = 4 * 1024 * 1024;

    /// <summary>The flag of a message that is not compressed; we know no other.</summary>
    internal const byte Uncompressed = 0;

    /// <summary>The flag of a compressed message.</summary>
    internal const byte Compressed = 1;
}
