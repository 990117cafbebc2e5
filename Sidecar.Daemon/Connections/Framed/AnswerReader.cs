using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

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
