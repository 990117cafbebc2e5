using System.Net.Sockets;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>What goes wrong below a call, as a status.</summary>
internal static class GrpcFailures
{
    /// <summary>The status for what a request or its streams threw.</summary>
    public static GrpcStatus From(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case HttpProtocolException protocol:
                    return new GrpcStatus(GrpcStatusMapping.FromHttp2Error(protocol.ErrorCode), protocol.Message);
                case HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }:
                    return new GrpcStatus(GrpcStatusCode.ResourceExhausted, e.Message);
                case SocketException or OperationCanceledException or TimeoutException:
                    return new GrpcStatus(GrpcStatusCode.Unavailable, $"the connection failed: {e.Message}");
            }
        }

        return exception is IOException or HttpRequestException or ObjectDisposedException
            ? new GrpcStatus(GrpcStatusCode.Unavailable, $"the connection failed: {(exception.InnerException ?? exception).Message}")
            : new GrpcStatus(GrpcStatusCode.Unknown, $"{exception.GetType().Name}: {exception.Message}");
    }
}
