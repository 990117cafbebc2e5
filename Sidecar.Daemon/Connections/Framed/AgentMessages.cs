using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>What an agent says without being asked: decoded and handed to whom it concerns. Anything else is skipped.</summary>
internal sealed class AgentMessages(
    IAgentConnection connection, ConnectionSettings settings, IConnectionSink sink, TimeProvider time, ILogger logger)
{
    private readonly AgentLog _log = new(settings.AgentId, time, logger);
    private readonly LogThrottle _throttle = new(time);

    /// <summary>Takes one frame that is no answer.</summary>
    public void Take(MessageType type, ReadOnlyMemory<byte> payload, MessageEncoding encoding)
    {
        try
        {
            switch (type)
            {
                case MessageType.HealthStatus:
                    sink.OnHealth(connection, encoding.ReadHealth(payload));
                    break;

                case MessageType.FlowControl:
                    var signal = encoding.ReadFlowControl(payload);
                    settings.Metrics?.FlowControl(settings.AgentId, signal.Action);
                    sink.OnFlowControl(connection, signal);
                    break;

                case MessageType.MetricsReport:
                    settings.Reports?.OnMetrics(encoding.ReadMetrics(payload));
                    break;

                case MessageType.ConfigUpdateRequest:
                    settings.Reports?.OnConfigUpdate(connection, encoding.ReadConfigUpdate(payload));
                    break;

                case MessageType.Log when encoding.CanLog:
                    _log.Write(encoding.ReadLog(payload));
                    break;

                case MessageType.Pong:
                    // That bytes came is all a pong says.
                    break;

                default:
                    Log.Skipped(logger, type, settings.AgentId);
                    break;
            }
        }
        catch (ProtocolException e)
        {
            if (_throttle.MayLog(settings.AgentId, out var leftOut))
            {
                Log.BadMessage(logger, settings.AgentId, type, PeerText.Clean(e.Message), leftOut);
            }
        }
    }
}

/// <summary>Reads the answers of one connection. What is no answer still names its call, if it can be found in it (spec §4.12).</summary>
internal sealed class AnswerReader(string connection, string agent, TimeProvider time, ILogger logger)
{
    private readonly LogThrottle _throttle = new(time);

    /// <summary>Whom an answer is for, and what it says.</summary>
    public (CorrelationId Id, CallResult Result) Read(MessageEncoding encoding, ReadOnlyMemory<byte> payload)
    {
        try
        {
            var answer = encoding.ReadResponse(payload);
            return (answer.CorrelationId, CallResult.Answered(answer.Response));
        }
        catch (ProtocolException e)
        {
            if (_throttle.MayLog(connection, out var leftOut))
            {
                Log.BadAnswer(logger, agent, connection, e.Message, leftOut);
            }

            return (encoding.SalvageCorrelationId(payload), CallResult.Failed(CallOutcome.BadAnswer, e.Message));
        }
    }
}
