using Microsoft.Extensions.Logging;

namespace Sidecar.Protocol.Grpc.Server;

/// <summary>What gRPC servers log. Ids 200–299.</summary>
internal static partial class Log
{
    [LoggerMessage(200, LogLevel.Error, "the handler of {Method} failed; its caller got UNKNOWN")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string method);
}
