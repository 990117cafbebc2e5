using Microsoft.Extensions.Logging;

namespace Sidecar.Protocol.Transport;

/// <summary>What listeners log. Ids 140–149.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(140, LogLevel.Warning,
        "listener {Listener} has {Limit} connections, as many as it takes; further ones wait until one ends; raise {LimitName} or let " +
        "the other side open fewer; {LeftOut} more since the last such line")]
    public static partial void Full(ILogger logger, string listener, int limit, string limitName, long leftOut);

    [LoggerMessage(141, LogLevel.Warning,
        "listener {Listener} has {Limit} connections, as many as it takes; a further one is refused; raise {LimitName} or let the other " +
        "side open fewer; {LeftOut} more since the last such line")]
    public static partial void Refused(ILogger logger, string listener, int limit, string limitName, long leftOut);

    [LoggerMessage(142, LogLevel.Error,
        "listener {Listener} cannot accept a connection: {Problem}; it tries again and again; raise the limit of open files " +
        "(LimitNOFILE=, ulimit -n) or lower what other processes use; {LeftOut} more since the last such line")]
    public static partial void AcceptFailed(ILogger logger, string listener, string problem, long leftOut);

    [LoggerMessage(143, LogLevel.Warning,
        "listener {Listener} pauses: {Used} descriptors are in use, and what is left of the limit of open files is kept for agents and " +
        "files; raise it (LimitNOFILE=, ulimit -n) or lower the limits of connections; {LeftOut} more since the last such line")]
    public static partial void ReserveReached(ILogger logger, string listener, int used, long leftOut);

    [LoggerMessage(144, LogLevel.Error,
        "a connection of listener {Listener} failed by a defect of ours; {LeftOut} more since the last such line")]
    public static partial void ConnectionFailed(ILogger logger, string listener, long leftOut, Exception error);

    [LoggerMessage(145, LogLevel.Error,
        "the thread '{Thread}' cannot wait for its connections any more: {Problem}; they have ended, and new ones are left to other " +
        "threads or refused; restart the daemon")]
    public static partial void PollerEnded(ILogger logger, string thread, string problem);

    [LoggerMessage(146, LogLevel.Error, "a connection that the thread '{Thread}' reads failed by a defect of ours")]
    public static partial void ReaderFailed(ILogger logger, string thread, Exception error);
}
