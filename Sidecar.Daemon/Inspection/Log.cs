using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>What inspection logs. Ids 1300–1399.</summary>
internal static partial class Log
{
    [LoggerMessage(1300, LogLevel.Warning, "agent {Agent} was not told that an exchange is complete: {Limit} background calls are under way, the limit; {More} more since the last such line")]
    public static partial void CompleteDropped(ILogger logger, string agent, int limit, long more);

    [LoggerMessage(1301, LogLevel.Warning, "an answer of agent {Agent} is not applied and counts as its failure: {Error}; {More} more since the last such line")]
    public static partial void BadAnswer(ILogger logger, string agent, string error, long more);

    [LoggerMessage(1302, LogLevel.Warning, "agent {Agent} lost exchange {Exchange} with a second connection: the request is not asked again")]
    public static partial void LostTwice(ILogger logger, string agent, CorrelationId exchange);

    [LoggerMessage(1303, LogLevel.Error, "inspecting a {Event} of exchange {Exchange} failed; it is refused")]
    public static partial void InspectionFailed(ILogger logger, MessageType @event, CorrelationId exchange, Exception error);

    [LoggerMessage(1304, LogLevel.Error, "a background call to agent {Agent} failed")]
    public static partial void BackgroundFailed(ILogger logger, string agent, Exception error);

    [LoggerMessage(1307, LogLevel.Warning, "listener {Listener}: no route takes a {Method} of '{Target}' of host '{Host}', so it is refused; write a --route that does, or say what then by --unmatched; {More} more such lines left out")]
    public static partial void NoRoute(ILogger logger, string listener, string method, string target, string host, long more);

    [LoggerMessage(1305, LogLevel.Warning, "a part of an answer of agent {Agent} has no effect: {Error}; {More} more such lines left out")]
    public static partial void NoEffect(ILogger logger, string agent, string error, long more);

    [LoggerMessage(1308, LogLevel.Warning, "listener {Listener}: {Text}")]
    public static partial void ListenerWarning(ILogger logger, string listener, string text);

    [LoggerMessage(1306, LogLevel.Warning, "agent {Agent} takes request bodies, and listener {Listener} hands none over: requests with a body, or of which nothing tells whether they have one, pass it by, counted as bypassed ({Cause}); name the events it is for (events=), write body=optional, or use a listener that has bodies; {More} more such lines left out")]
    public static partial void NoBody(ILogger logger, string agent, string listener, string cause, long more);

    [LoggerMessage(1309, LogLevel.Error, "{Observer} failed to take note of an exchange; neither the exchange nor anybody else is affected; {More} more such lines left out")]
    public static partial void ObserverFailed(ILogger logger, string observer, long more, Exception error);
}
