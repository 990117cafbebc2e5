using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>Which events of an exchange an agent missed. What it did not see it cannot judge later.</summary>
/// <remarks>
/// Without the request headers an agent lets everything pass that follows (spec §5.2), and a body with a hole is never resumed (rule 6):
/// the failure of the missed event is the failure of those that depend on it. Safe from any thread: an event whose turn never came is noted
/// while another has the gate.
/// </remarks>
internal sealed class MissedEvents
{
    private readonly Lock _lock = new();
    private CallResult? _request;
    private CallResult? _untold;
    private CallResult? _requestBody;
    private CallResult? _responseBody;

    /// <summary>
    /// Whether the agent knows nothing of the exchange. One that answered that it could not judge the request still has to be told of its
    /// end.
    /// </summary>
    public bool MissedRequest
    {
        get
        {
            lock (_lock)
            {
                return _untold is not null;
            }
        }
    }

    /// <summary>Remembers what a call's end means for later events.</summary>
    /// <param name="message">The event.</param>
    /// <param name="result">How its call ended.</param>
    /// <param name="reachedAgent">Whether it may have been sent.</param>
    public void Note(AgentEvent message, in CallResult result, bool reachedAgent)
    {
        var judged = result.Outcome == CallOutcome.BadAnswer || (result.Response is { } response && !ReasonCodes.IsFailure(response));
        var seen = judged || (reachedAgent && result.Outcome is CallOutcome.TimedOut or CallOutcome.Cancelled);
        lock (_lock)
        {
            if (message is RequestHeadersEvent && !seen && !result.IsAnswered)
            {
                _untold = result;
            }

            switch (message)
            {
                case RequestHeadersEvent when !seen:
                    _request = result;
                    break;

                case RequestBodyChunkEvent when !judged:
                    _requestBody ??= result;
                    break;

                case ResponseHeadersEvent when !seen:
                case ResponseBodyChunkEvent when !judged:
                    _responseBody ??= result;
                    break;
            }
        }
    }

    /// <summary>The missed event that makes this one pointless; null when there is none.</summary>
    public CallResult? Before(AgentEvent message)
    {
        lock (_lock)
        {
            return message switch
            {
                RequestHeadersEvent or GuardrailInspectEvent or ConfigureEvent => null,
                RequestBodyChunkEvent => _request ?? _requestBody,
                ResponseBodyChunkEvent => _request ?? _responseBody,
                RequestCompleteEvent => _untold,
                _ => _request,
            };
        }
    }
}
