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
