using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>One direction of an ext_proc stream: headers, body, trailers, one message at a time.</summary>
internal sealed class ExtProcHalf(ExtProcExchange exchange, Direction direction, TimeProvider time)
{
    private BodyCarrier? _carrier;

    /// <summary>Which direction.</summary>
    public Direction Direction => direction;

    /// <summary>The headers.</summary>
    public ExtProcHeaders Headers { get; private set; } = exchange.RequestHeaders;

    /// <summary>The answer about the headers, sent or not.</summary>
    public HeadersAnswer? Answer { get; private set; }

    /// <summary>Whether a body was announced and its end has not come.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether agents wanted the body when its headers were judged.</summary>
    public bool IsWanted { get; private set; }

    /// <summary>Bytes of the body that came.</summary>
    public long Received { get; set; }

    /// <summary>Takes a message.</summary>
    /// <param name="message">A message of this direction, in the right order.</param>
    /// <param name="arrived">When it came, a timestamp.</param>
    /// <returns>How the stream ends with it; null when it goes on.</returns>
    public ValueTask<ExtProcEnd?> TakeAsync(ProcessingRequest message, long arrived) => message.RequestCase switch
    {
        Part.RequestHeaders => TakeRequestAsync(message, arrived),
        Part.ResponseHeaders => TakeResponseAsync(message.ResponseHeaders, arrived),
        Part.RequestBody => TakeBodyAsync(message.RequestBody, arrived),
        Part.ResponseBody => TakeBodyAsync(message.ResponseBody, arrived),
        _ => TakeTrailersAsync(arrived),
    };

    /// <summary>The body has ended, or no more of it will be seen.</summary>
    public void Close() => IsOpen = false;

    private async ValueTask<ExtProcEnd?> TakeRequestAsync(ProcessingRequest message, long arrived)
    {
        if (Headers.Problem is not null)
        {
            return await exchange.RefuseAsync(Cause.Malformed).ConfigureAwait(false);
        }

        var told = new RequestHeadersEvent
        {
            Metadata = new ExtProcAttributes(message.Attributes).Metadata(Headers, exchange.Exchange, time.GetUtcNow()),
            Method = Headers.Method!,
            Uri = WireText.Of(Headers.Target!),
            Headers = Headers.Headers,
        };
        return await JudgeHeadersAsync(told, message.RequestHeaders.EndOfStream, arrived).ConfigureAwait(false);
    }

    private async ValueTask<ExtProcEnd?> TakeResponseAsync(HttpHeaders headers, long arrived)
    {
        Headers = ExtProcHeaders.Read(headers.Headers, exchange.Options);
        if (Headers.Status is not { } status)
        {
            return new ExtProcEnd(ExtProcProblem.BadHeaders, "the response's headers have no :status from 100 to 999");
        }

        if (Headers.Problem is not null)
        {
            return await exchange.RefuseAsync(Cause.TooLarge).ConfigureAwait(false);
        }

        exchange.Status = status;
        exchange.HasSwitched = exchange.RequestHeaders.IsUpgrade && status == 101;
        return await JudgeHeadersAsync(new ResponseHeadersEvent { Status = status, Headers = Headers.Headers }, headers.EndOfStream, arrived).ConfigureAwait(false);
    }

    private async ValueTask<ExtProcEnd?> JudgeHeadersAsync(AgentEvent told, bool isEnd, long arrived)
    {
        var verdict = await exchange.InspectAsync(told, arrived, mayExtend: !exchange.Modes.SendsBodiesEarly && ModeIsTimed).ConfigureAwait(false);
        if (!verdict.IsAllow)
        {
            return await exchange.RefuseAsync(verdict).ConfigureAwait(false);
        }

        var wanted = Inspector.Wants(exchange.Exchange);
        var isLeaving = direction == Direction.Request ? Headers.IsUpgrade : exchange.HasSwitched;
        IsOpen = !isEnd;
        IsWanted = !isEnd && !isLeaving && (direction == Direction.Request ? wanted.RequestBody : wanted.ResponseBody).Need != BodyNeed.None;
        Answer = new HeadersAnswer(exchange, this);
        Answer.Add(verdict);
        Answer.Override = direction == Direction.Request
            ? exchange.Modes.AskAtRequest(wanted, !isEnd, exchange.HasResponseEdits, isLeaving)
            : exchange.Modes.AskAtResponse(wanted, !isEnd && !isLeaving);
        var mode = exchange.Modes.Of(direction);
        if (IsWanted && mode == BodySendMode.None)
        {
            var missed = await MissBodyAsync(arrived).ConfigureAwait(false);
            if (!missed.IsAllow)
            {
                return await exchange.RefuseAsync(missed).ConfigureAwait(false);
            }

            Answer.Add(missed);
        }

        // Only in full duplex Envoy waits without a limit, so only there the headers can wait for an agent that decides about the whole body.
        var need = (direction == Direction.Request ? wanted.RequestBody : wanted.ResponseBody).Need;
        return mode == BodySendMode.FullDuplexStreamed && IsWanted && need == BodyNeed.Full ? null : await Answer.SendAsync().ConfigureAwait(false);
    }

    // Envoy keeps a body to itself that agents want.
    private async ValueTask<Verdict> MissBodyAsync(long arrived)
    {
        Close();
        using var step = await exchange.PushAsync(direction, new BodyPiece(default, BodyEnd.Unseen, Headers.ContentLength), arrived, mayExtend: false).ConfigureAwait(false);
        return step.Verdict;
    }

    private ValueTask<ExtProcEnd?> TakeBodyAsync(HttpBody body, long arrived)
    {
        Received += body.Body.Length;
        if (_carrier is null)
        {
            _carrier = exchange.Modes.OfFirst(direction, ExtProcOrder.IsLast(body)) switch
            {
                BodySendMode.Streamed => new StreamedBody(exchange, this),
                BodySendMode.FullDuplexStreamed => new DuplexBody(exchange, this, time),
                BodySendMode.Buffered => new BufferedBody(exchange, this, isWhole: true),
                BodySendMode.BufferedPartial => new BufferedBody(exchange, this, isWhole: false),
                _ => null,
            };
            if (_carrier is null)
            {
                return new(ExtProcEnd.Spurious($"a {direction} body came, and the filter's mode is NONE"));
            }
        }

        return exchange.HasSwitched ? _carrier.PassAsync(body, arrived) : _carrier.TakeAsync(body, arrived);
    }

    private async ValueTask<ExtProcEnd?> TakeTrailersAsync(long arrived)
    {
        // Without a piece of a body nobody has said how one would come, but whoever waits for it learns that there is none.
        _carrier ??= exchange.Modes.Of(direction) == BodySendMode.FullDuplexStreamed ? new DuplexBody(exchange, this, time) : new StreamedBody(exchange, this);
        return await _carrier.EndAsync(arrived).ConfigureAwait(false);
    }

    private bool ModeIsTimed => exchange.Modes.Of(direction) != BodySendMode.FullDuplexStreamed;
}
