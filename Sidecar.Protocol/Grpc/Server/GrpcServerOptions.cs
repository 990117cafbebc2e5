namespace Sidecar.Protocol.Grpc.Server;

/// <summary>What a gRPC server bears of one call.</summary>
public sealed record GrpcServerOptions
{
    /// <summary>Longest message to accept, in bytes. Default 4 MiB, what gRPC libraries take.</summary>
    public int MaxReceiveLength { get; init; } = GrpcMessageFormat.DefaultMaxLength;

    /// <summary>Longest message to send, in bytes. Default 4 MiB: most clients refuse more.</summary>
    public int MaxSendLength { get; init; } = GrpcMessageFormat.DefaultMaxLength;

    /// <summary>
    /// Bounds large messages over all calls; the room of one is kept until the next is read or the call ends. Null for no bound but the one
    /// of each call.
    /// </summary>
    public IGrpcReceiveMemory? ReceiveMemory { get; init; }

    /// <summary>The clock of deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
