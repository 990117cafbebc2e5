using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Takeover;

/// <summary>What is logged of one daemon taking over from another. Ids 3600–3699.</summary>
internal static partial class Log
{
    [LoggerMessage(3600, LogLevel.Information,
        "listener {Listener}: linked with the daemon that listened there before; exchanges it knows are asked of it")]
    public static partial void Linked(ILogger logger, string listener);

    [LoggerMessage(3601, LogLevel.Information,
        "listener {Listener}: no daemon to link with at {Path} ({Reason}); responses to requests that another has seen are unknown here")]
    public static partial void NotLinked(ILogger logger, string listener, LinkPlace path, string reason);

    [LoggerMessage(3602, LogLevel.Warning,
        "listener {Listener}: no link at {Path} ({Reason}); a daemon that takes over will not know the exchanges of this one")]
    public static partial void NoLink(ILogger logger, string listener, LinkPlace path, string reason);

    [LoggerMessage(3603, LogLevel.Debug, "a link of a {Kind} listener ended: {Reason}")]
    public static partial void Ended(ILogger logger, string kind, string reason);

    [LoggerMessage(3604, LogLevel.Warning, "listener {Listener}: a process of user {User} wanted to link; only user {Own} may")]
    public static partial void Stranger(ILogger logger, string listener, uint user, uint own);

    [LoggerMessage(3605, LogLevel.Information, "listener {Listener}: another daemon has taken over; connections are sent there one by one, "
        + "and what it asks about earlier requests is answered")]
    public static partial void Superseded(ILogger logger, string listener);

    [LoggerMessage(3606, LogLevel.Information, "every listener is taken over: this daemon ends by itself when its exchanges are done")]
    public static partial void AllSuperseded(ILogger logger);

    [LoggerMessage(3607, LogLevel.Error, "a {Kind} listener: a defect in answering another daemon; it gets no answer")]
    public static partial void Failed(ILogger logger, Exception exception, string kind);
}
