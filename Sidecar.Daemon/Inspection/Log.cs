using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection;

/// <summary>What inspection logs. Ids 1300–1399.</summary>
internal static partial class Log
{
    [LoggerMessage(1300, LogLevel.Warning, "agent {Agent} was not told that an exchange is complete: {Limit} background calls are under "
        + "way, the limit; {More} more since the last such line")]
    public static partial void CompleteDropped(ILogger logger, string agent, int limit, long more);

    [LoggerMessage(1301, LogLevel.Warning,
        "an answer of agent {Agent} is not applied and counts as its failure: {Error}; {More} more since the last such line")]
    public static partial void BadAnswer(ILogger logger, string agent, string error, long more);

    [LoggerMessage(1302, LogLevel.Warning,
        "agent {Agent} lost exchange {Exchange} with a second connection: the request is not asked again")]
    public static partial void LostTwice(ILogger logger, string agent, CorrelationId exchange);

    [LoggerMessage(1303, LogLevel.Error, "inspecting a {Event} of exchange {Exchange} failed; it is refused")]
    public static partial void InspectionFailed(ILogger logger, MessageType @event, CorrelationId exchange, Exception error);

    [LoggerMessage(1304, LogLevel.Error, "a background call to agent {Agent} failed")]
    public static partial void BackgroundFailed(ILogger logger, string agent, Exception error);

    [LoggerMessage(1307, LogLevel.Warning, "listener {Listener}: no route takes a {Method} of '{Target}' of host '{Host}', so it is "
        + "refused; write a --route that does, or say what then by --unmatched; {More} more such lines left out")]
    public static partial void NoRoute(ILogger logger, string listener, string method, string target, string host, long more);

    [LoggerMessage(1305, LogLevel.Warning, "a part of an answer of agent {Agent} has no effect: {Error}; {More} more such lines left out")]
    public static partial void NoEffect(ILogger logger, string agent, string error, long more);

    [LoggerMessage(1308, LogLevel.Warning, "listener {Listener}: {Text}")]
    public static partial void ListenerWarning(ILogger logger, string listener, string text);

    [LoggerMessage(1306, LogLevel.Warning, "agent {Agent} takes request bodies, and listener {Listener} hands none over: requests with a "
        + "body, or of which nothing tells whether they have one, pass it by, counted as bypassed ({Cause}); name the events it is for "
        + "(events=), write body=optional, or use a listener that has bodies; {More} more such lines left out")]
    public static partial void NoBody(ILogger logger, string agent, string listener, string cause, long more);

    [LoggerMessage(1309, LogLevel.Error, "{Observer} failed to take note of an exchange; neither the exchange nor anybody else is "
        + "affected; {More} more such lines left out")]
    public static partial void ObserverFailed(ILogger logger, string observer, long more, Exception error);
}

/// <summary>
/// Tells the authors of agents what was wrong with their answers, and operators which agents are passed by, at a pace that nobody can use
/// to fill the log.
/// </summary>
internal sealed class AnswerErrorLog(ILogger logger, TimeProvider time)
{
    private readonly LogThrottle _throttle = new(time);
    private readonly LogThrottle _bodies = new(time);

    /// <summary>Logs that agents were not shown the body of a request.</summary>
    public void Write(Exchange exchange, List<Participant> bypassed)
    {
        foreach (var participant in bypassed)
        {
            if (_bodies.MayLog(participant.Agent, out var more))
            {
                Log.NoBody(logger, participant.Agent, exchange.Listener, exchange.UnseenBody.Label(), more);
            }
        }
    }

    /// <summary>Logs what a merger has noted.</summary>
    public void Write(VerdictMerger merger)
    {
        foreach (var (agent, error, isFailure) in merger.Errors)
        {
            if (!_throttle.MayLog(agent, out var more))
            {
                continue;
            }

            if (isFailure)
            {
                Log.BadAnswer(logger, agent, error, more);
            }
            else
            {
                Log.NoEffect(logger, agent, error, more);
            }
        }
    }
}

/// <summary>
/// What listeners have found to be wrong with the configuration of their proxies, for <c>sidecar status</c>. It stays until the daemon is
/// started again. Safe from any thread.
/// </summary>
internal sealed class ListenerWarnings
{
    // Far above what listeners and kinds of warnings there are.
    private const int Most = 256;

    private readonly ConcurrentDictionary<string, bool> _texts = new(StringComparer.Ordinal);

    /// <summary>All of them, in the order of the alphabet.</summary>
    public IReadOnlyList<string> All => [.. _texts.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds one; false when it is there already.</summary>
    /// <param name="text">Begins with the listener; of a bounded set, so nothing of a request.</param>
    public bool Add(string text) => _texts.Count < Most && _texts.TryAdd(text, true);

    /// <summary>Adds one, and logs it if it was not there.</summary>
    /// <param name="logger">Where it is logged.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="text">What is wrong and what to do; nothing of a request.</param>
    public void Add(ILogger logger, string listener, string text)
    {
        if (Add($"listener {listener}: {text}"))
        {
            Log.ListenerWarning(logger, listener, text);
        }
    }
}
