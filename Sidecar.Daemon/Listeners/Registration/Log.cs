using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>What listeners for agents that dial in log. Ids 1200–1249.</summary>
internal static partial class Log
{
    [LoggerMessage(1200, LogLevel.Debug, "agent {Agent} registered on {Listener} as connection {Connection}")]
    public static partial void Registered(ILogger logger, string agent, string listener, string connection);

    [LoggerMessage(1201, LogLevel.Warning,
        "a registration on {Listener} is refused ({Outcome}): {Reason}; {LeftOut} more of this kind since the last such line")]
    public static partial void Refused(ILogger logger, string listener, string outcome, string reason, long leftOut);

    [LoggerMessage(1203, LogLevel.Error,
        "a registration on {Listener} failed by a defect of ours; {LeftOut} more since the last such line")]
    public static partial void RegistrationFailed(ILogger logger, string listener, long leftOut, Exception error);
}
