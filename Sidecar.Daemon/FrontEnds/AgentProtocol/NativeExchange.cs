using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Daemon.FrontEnds.AgentProtocol;

/// <summary>An exchange that came through a native listener, with what the asker holds of its bodies and how far it is.</summary>
internal sealed class NativeExchange(Exchange exchange, RequestHeadersEvent request, ByteBudget memory) : JoinedExchange(exchange)
{
    private readonly NativeBody _request = new(exchange, Direction.Request, memory);
    private readonly NativeBody _response = new(exchange, Direction.Response, memory);
    private readonly bool _isHead = request.Method == "HEAD";
    private readonly bool _mayLeaveHttp = request.Headers.IndexOf("upgrade"u8) >= 0 || request.Method == "CONNECT";
    private readonly bool _seemsBodyless = request.HasBody == false || (request.HasBody is null && SeemsBodyless(request.Headers));
    private volatile bool _requestBodyIsOver;
    private volatile bool _responseIsJudged;
    private volatile bool _responseBodyIsOver;

    /// <summary>The connection that its last event came on; when that ends, nobody goes on with it.</summary>
    public AgentConnection? Connection { get; set; }

    /// <summary>The body of a direction.</summary>
    public NativeBody BodyOf(Direction direction) => direction == Direction.Request ? _request : _response;

    /// <summary>An event of it is answered.</summary>
    public void NoteAnswered(AgentEvent message, AgentResponse answer)
    {
        // A close of a WebSocket ends the connection there, and with it the exchange.
        IsRefused |= answer.Decision is not AllowDecision || answer.WebSocketDecision is { Kind: WebSocketDecisionKind.Close };
        switch (message)
        {
            case RequestBodyChunkEvent { IsLast: true }:
                _requestBodyIsOver = true;
                break;
            case ResponseHeadersEvent response:
                _responseIsJudged = true;
                _responseBodyIsOver = _isHead || response.Status is (>= 100 and < 200) or 204 or 304
                    || response.Headers.Get("content-length") == "0";
                break;
            case ResponseBodyChunkEvent { IsLast: true }:
                _responseBodyIsOver = true;
                break;
        }
    }

    /// <summary>What is still to be expected of it. Asked when an event has been answered.</summary>
    /// <param name="told">What this listener has been told of any exchange: of a kind that no asker ever tells, nothing is waited for when
    /// others need the place.</param>
    public NativeOutlook Outlook(EventSet told)
    {
        if (IsRefused)
        {
            return NativeOutlook.Over;
        }

        var wanted = Inspector.Wants(Exchange);
        Awaited = (wanted.RequestBody.Need != BodyNeed.None && !_requestBodyIsOver ? EventSet.RequestBodyChunk : EventSet.None)
            | (wanted.ResponseHeaders && !_responseIsJudged ? EventSet.ResponseHeaders : EventSet.None)
            | (wanted.ResponseBody.Need != BodyNeed.None && !_responseBodyIsOver ? EventSet.ResponseBodyChunk : EventSet.None)
            | (_mayLeaveHttp && Exchange.Decides(EventKind.WebSocketFrame) ? EventSet.WebSocketFrame : EventSet.None);
        var expected = Awaited & (told | EventSet.RequestBodyChunk);
        if (Exchange.BodyOf(Direction.Request) is null && (_seemsBodyless || _responseIsJudged || (told & EventSet.RequestBodyChunk) == 0))
        {
            expected &= ~EventSet.RequestBodyChunk;
        }

        // A body that only its agent's statement keeps from it is to be named when it comes.
        return expected != EventSet.None ? NativeOutlook.Open
            : Awaited != EventSet.None
                || Exchange.Decides(EventKind.GuardrailInspect)
                || Exchange.Decides(EventKind.RequestComplete)
                || Exchange.IsShownHeadersOnly ? NativeOutlook.Over
            : NativeOutlook.Done;
    }

    private static bool SeemsBodyless(HeaderBlock headers) =>
        headers.IndexOf("transfer-encoding"u8) < 0 && headers.Get("content-length") is null or "" or "0";
}

/// <summary>What is to be expected of an exchange whose asker may never announce its end.</summary>
internal enum NativeOutlook
{
    /// <summary>A phase that agents want has not been answered.</summary>
    Open,

    /// <summary>
    /// No phase that agents want is awaited, but its end, a text to inspect or a body that nothing announced may be told.
    /// </summary>
    Over,

    /// <summary>Agents want nothing more of it.</summary>
    Done,
}

/// <summary>Says in the agent protocol what a flow has released (spec §5.4). For the pieces of one direction, one at a time.</summary>
/// <remarks>
/// While nothing has been released the asker is told to hold what it has, so that it still has the whole body should we be gone. From the
/// first final answer on it cannot be: then a piece that is held here is dropped there, and comes back as the replacement of a later one.
/// </remarks>
internal sealed class NativeBody(Exchange exchange, Direction direction, ByteBudget memory)
{
    // What base64 makes of it must fit into the frame of one answer, with room for what agents say for the record.
    private const int LargestMutation = (FrameLimits.MaxLength - (1024 * 1024)) / 4 * 3;

    private bool _isHeldByAsker;
    private bool _hasReleased;

    /// <summary>The answer to a piece.</summary>
    public AgentResponse Answer(in BodyStep step, BodyChunkEvent piece)
    {
        var answer = VerdictResponse.From(step.Verdict);
        if (!step.Verdict.IsAllow || (step.IsUnchanged && !_isHeldByAsker))
        {
            _hasReleased = true;
            return answer;
        }

        var progress = step.Progress;
        if (_isHeldByAsker || (!_hasReleased && progress.IsHolding))
        {
            if (progress.IsPristine && progress.Released == progress.Pushed)
            {
                (_isHeldByAsker, _hasReleased) = (false, true);
                return answer;
            }

            if (exchange.Bodies.KeptLength(direction) + step.Release.Length > LargestMutation)
            {
                return Refuse(Cause.TooLarge);
            }

            if (!piece.IsLast && (_isHeldByAsker || step.Release.IsEmpty))
            {
                _isHeldByAsker = true;
                return exchange.Bodies.TryKeep(direction, step.Release, memory)
                    ? answer with { NeedsMore = true }
                    : Refuse(Cause.BodyMemory);
            }
        }

        if (step.Release.Length > LargestMutation)
        {
            return Refuse(Cause.TooLarge);
        }

        // Whatever the asker holds by now is replaced as a whole, and only the last piece can do that.
        var mutation = new BodyMutation(exchange.Bodies.TakeKept(direction, step.Release), _isHeldByAsker ? 0 : piece.ChunkIndex);
        (_isHeldByAsker, _hasReleased) = (false, true);
        return direction == Direction.Request
            ? answer with { RequestBodyMutation = mutation }
            : answer with { ResponseBodyMutation = mutation };
    }

    private AgentResponse Refuse(Cause cause) => VerdictResponse.From(exchange.Refuse(cause));
}
