using System.Text;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>Lines that an agent wants to be in our log (spec §6.8): at its level, but no more and no longer than our log bears.</summary>
/// <remarks>For the read loop of one connection.</remarks>
internal sealed class AgentLog(string agentId, TimeProvider time, ILogger logger)
{
    // An agent that logs every request would fill the disk of the proxy's machine. Enough for what an operator can read.
    private const int LinesPerPeriod = 50;
    private const int MostFacts = 16;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private long _since = time.GetTimestamp();
    private int _lines;
    private long _leftOut;

    /// <summary>Writes a line, or counts it.</summary>
    public void Write(AgentLogMessage message)
    {
        var level = message.Level switch
        {
            AgentLogLevel.Debug => LogLevel.Debug,
            AgentLogLevel.Warn => LogLevel.Warning,
            AgentLogLevel.Error => LogLevel.Error,
            _ => LogLevel.Information,
        };
        if (!logger.IsEnabled(level))
        {
            return;
        }

        if (time.GetElapsedTime(_since) >= Period)
        {
            (_since, _lines) = (time.GetTimestamp(), 0);
        }

        if (_lines >= LinesPerPeriod)
        {
            _leftOut++;
            return;
        }

        _lines++;
        var (text, facts) = (PeerText.Clean(message.Message), Facts(message));
        Log.OfAgent(logger, level, agentId, text, facts, _leftOut);
        _leftOut = 0;
    }

    private static string Facts(AgentLogMessage message)
    {
        if (message.CorrelationId.IsEmpty && message.Fields.Count == 0)
        {
            return "";
        }

        var facts = new StringBuilder(" (");
        facts.Append(message.CorrelationId.IsEmpty ? "" : $"exchange {message.CorrelationId}");
        foreach (var (name, value) in message.Fields.Take(MostFacts))
        {
            facts.Append(facts.Length > 2 ? ", " : "").Append(name).Append('=').Append(value);
        }

        return PeerText.Clean(facts.ToString()) + ")";
    }
}

/// <summary>What connections log. Ids 1000–1099.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Debug,
        "connection {Connection} to agent {Agent} is open: {Name} {Version}, encoding {Encoding}, {MaxInFlight} calls at once")]
    public static partial void Opened(
        ILogger logger, string connection, string agent, string name, string version, string encoding, int maxInFlight);

    [LoggerMessage(1001, LogLevel.Debug, "connection {Connection} to agent {Agent} ended: {Cause}; {Calls} calls were waiting")]
    public static partial void Ended(ILogger logger, string connection, string agent, string cause, int calls);

    [LoggerMessage(1002, LogLevel.Warning,
        "agent {Agent} sent an answer that is none on connection {Connection}: {Reason}; {LeftOut} more since the last such line")]
    public static partial void BadAnswer(ILogger logger, string agent, string connection, string reason, long leftOut);

    [LoggerMessage(1003, LogLevel.Debug, "skipped a frame of unexpected type {Type} from agent {Agent}")]
    public static partial void Skipped(ILogger logger, MessageType type, string agent);

    [LoggerMessage(1004, LogLevel.Warning,
        "agent {Agent} sent a {Type} message that is none: {Reason}; {LeftOut} more since the last such line")]
    public static partial void BadMessage(ILogger logger, string agent, MessageType type, string reason, long leftOut);

    /// <summary>The id of the lines that agents write, which <see cref="AgentLog"/> paces.</summary>
    public const int OfAgentId = 1006;

    [LoggerMessage(EventId = OfAgentId, Message = "agent {Agent} says: {Text}{Facts}; {LeftOut} lines of it were left out since the last "
        + "one")]
    public static partial void OfAgent(ILogger logger, LogLevel level, string agent, string text, string facts, long leftOut);

    [LoggerMessage(1007, LogLevel.Error, "what waited for the answer of agent {Agent} to exchange {Exchange} failed by a defect of ours")]
    public static partial void AskerFailed(ILogger logger, Exception error, string agent, CorrelationId exchange);

    [LoggerMessage(1005, LogLevel.Debug, "agent {Agent} answered exchange {Exchange} when nobody waited any more")]
    public static partial void LateAnswer(ILogger logger, string agent, CorrelationId exchange);
}
