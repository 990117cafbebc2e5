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
