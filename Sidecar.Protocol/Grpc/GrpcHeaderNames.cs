namespace Sidecar.Protocol.Grpc;

/// <summary>The header fields and values that gRPC gives a meaning.</summary>
internal static class GrpcHeaderNames
{
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string IdentityEncoding = "identity";
    public const string ContentType = "application/grpc";

    /// <summary>
    /// Whether a content type is gRPC with messages of Protobuf: <c>application/grpc</c>, alone or with <c>+proto</c> or parameters.
    /// </summary>
    public static bool IsGrpc(string? contentType)
    {
        if (contentType is null || !contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var rest = contentType.AsSpan(ContentType.Length);
        rest = rest.StartsWith("+proto", StringComparison.OrdinalIgnoreCase) ? rest["+proto".Length..] : rest;
        return rest.IsEmpty || rest[0] is ';' or ' ';
    }
}
