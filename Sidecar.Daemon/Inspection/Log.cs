using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Inspection;

/// <summary>What inspection logs. Ids 1300–1399.</summary>
internal static partial class Log
{
    [LoggerMessage(1300, LogLevel.Warning, "agent {Agent} was not told that an exchange is complete: {Limit} background calls are under way, the limit")]
    public static partial void CompleteDropped(ILogger logger, string agent, int limit);
}
