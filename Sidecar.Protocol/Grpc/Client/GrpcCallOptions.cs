namespace Sidecar.Protocol.Grpc.Client;

/// <summary>What one call says besides its messages.</summary>
public sealed record GrpcCallOptions
{
    /// <summary>How long the call may take in all; the server is told. Null for as long as it wants, right only for streams that live with their connection.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Metadata: header fields with names in lower case and values of printable ASCII.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata { get; init; } = [];
}
