using System.Runtime.CompilerServices;
using Google.Protobuf;
using Sidecar.Protocol.Grpc.Server;

namespace Sidecar.Tests.Grpc;

/// <summary>A short way to read a call.</summary>
internal static class GrpcServerCalls
{
    /// <summary>The caller's messages, one after the other, until it has sent its last.</summary>
    public static async IAsyncEnumerable<T> ReadAllAsync<T>(
        this GrpcServerCall call, MessageParser<T> parser, [EnumeratorCancellation] CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        while (await call.ReadAsync(parser, cancellation) is { } message)
        {
            yield return message;
        }
    }
}
