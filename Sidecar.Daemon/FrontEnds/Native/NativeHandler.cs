using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Agents;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Native;

/// <summary>The daemon as an agent: its decisions are the verdicts of its routes. Carries every event in both directions.</summary>
/// <remarks>The asker's correlation id joins the events of an exchange, on whichever connection they come; the exchange's own id is minted here.</remarks>
/// <param name="listener">The listener's name.</param>
/// <param name="inspector">Who is asked.</param>
/// <param name="directory">The open exchanges.</param>
/// <param name="budget">Time for one phase.</param>
/// <param name="unknownExchange">What happens to an event of an exchange that nobody knows.</param>
/// <param name="relay">Other daemons that may know it; null for none.</param>
internal sealed class NativeHandler(
    string listener, Inspector inspector, ExchangeDirectory<NativeExchange> directory, TimeSpan budget, FailureMode unknownExchange, IExchangeRelay? relay = null)
    : IAgentHandler
{
    // What anybody uses as an id fits into it; more would let 50,000 exchanges hold any amount of memory.
    private const int MaxKeyLength = 256;

    private volatile bool _stopping;
    private volatile bool _refusesNew;
    private volatile bool _isSuperseded;

    /// <summary>Events that are cancelled from now on are so because the listener stops.</summary>
    public void Stop() => _stopping = true;

    /// <summary>The daemon stops, and waits for the exchanges that are open: new ones are not inspected any more, unless another daemon has taken over.</summary>
    public void RefuseNew() => _refusesNew = !_isSuperseded;

    /// <summary>Another daemon has taken over: the clients of this one go on there with what they began here.</summary>
    public void Supersede() => (_isSuperseded, _refusesNew) = (true, false);

    /// <summary>Answers an event that came to another daemon.</summary>
    public ValueTask<AgentResponse> AnswerAsync(AgentEvent message, TimeSpan left, CancellationToken cancellation)
    {
        var joined = directory.Find(message.CorrelationId.ToString());
        switch (message)
        {
            case RequestCompleteEvent complete:
                Complete(complete);
                return new(AgentResponse.Allow);
            case BodyChunkEvent chunk when joined is not null:
                return PushAsync(joined, chunk, chunk is RequestBodyChunkEvent ? Direction.Request : Direction.Response, Min(left), cancellation);
            case RequestHeadersEvent or BodyChunkEvent:
                return new(Unknown());
            default:
                return joined is null ? new(Unknown()) : InspectAsync(joined.Exchange, message with { }, Min(left), cancellation);
        }
    }

    public async ValueTask<AgentResponse> OnRequestHeadersAsync(RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        var key = message.CorrelationId.ToString();
        var exchange = inspector.Begin(listener, message.Headers.Get("host") ?? message.Metadata.ServerName, message.Uri, message.Method);
        if (key.Length is 0 or > MaxKeyLength)
        {
            // Under an empty id all such requests would be one (spec §5.1).
            exchange.Note(LedgerState.Refused, Cause.Malformed);
            inspector.End(exchange);
            return VerdictResponse.Refused(Cause.Malformed);
        }

        if (_refusesNew && inspector.PassBy(exchange, Cause.ShuttingDown) is { } passed)
        {
            inspector.End(exchange);
            return VerdictResponse.From(passed);
        }

        if (!directory.TryAdd(key, new NativeExchange(exchange, inspector.BodyMemory) { Connection = connection }))
        {
            exchange.Note(LedgerState.Refused, Cause.TooManyExchanges);
            inspector.End(exchange);
            return VerdictResponse.Refused(Cause.TooManyExchanges);
        }

        var told = message with { Headers = HeaderNames.WithoutOwn(message.Headers), Metadata = message.Metadata with { RequestId = key, RouteId = exchange.Route?.Id } };
        var answer = await InspectAsync(exchange, told, budget, cancellation).ConfigureAwait(false);

        // What agents are not shown does not go on either, if the asker does as it is told.
        return HeaderNames.OwnIn(message.Headers) is { Count: > 0 } own && answer.Decision == Decision.Allow
            ? answer with { RequestHeaders = [.. own.Select(HeaderOperation.Remove), .. answer.RequestHeaders] }
            : answer;
    }

    public ValueTask<AgentResponse> OnRequestBodyChunkAsync(RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        PushAsync(message, Direction.Request, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseHeadersAsync(ResponseHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        JoinAsync(message, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseBodyChunkAsync(ResponseBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        PushAsync(message, Direction.Response, connection, cancellation);

    public ValueTask<AgentResponse> OnWebSocketFrameAsync(WebSocketFrameEvent message, AgentConnection connection, CancellationToken cancellation) =>
        JoinAsync(message, connection, cancellation);

    public async ValueTask<AgentResponse> OnRequestCompleteAsync(RequestCompleteEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        if (!Complete(message) && relay is { IsOpen: true })
        {
            await NativeRelay.AskAsync(relay, message, inspector.DeadlineIn(budget), cancellation).ConfigureAwait(false);
        }

        return AgentResponse.Allow;
    }

    // The asker's reason goes on to the agents; the token, which knows none, comes right after it and finds the calls ended.
    public void OnCancel(CancelRequest request, AgentConnection connection)
    {
        if (directory.Find(request.CorrelationId.ToString()) is { } joined)
        {
            joined.Exchange.Expire(CauseOf(request.Reason), request.Reason);
        }
    }

    // A guardrail may be asked about text that belongs to no open exchange: then the inspection is an exchange of its own.
    public async ValueTask<AgentResponse> OnGuardrailInspectAsync(GuardrailInspectEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        if (Find(message, connection) is { } open)
        {
            return await InspectAsync(open.Exchange, message with { }, budget, cancellation).ConfigureAwait(false);
        }

        // It has no host, path or method: only a route without conditions takes it.
        var exchange = inspector.BeginOn(listener, message.RouteId) ?? inspector.Begin(listener, null, "", "");
        try
        {
            return await InspectAsync(exchange, message with { }, budget, cancellation).ConfigureAwait(false);
        }
        finally
        {
            inspector.End(exchange);
        }
    }

    /// <summary>A client that is gone tells no end: whatever it asked about last on this connection ends with it.</summary>
    /// <remarks>Half a close is a close: the protocol has no use for a client that sends nothing any more, not even the end of its exchanges.</remarks>
    public void OnDisconnected(AgentConnection connection)
    {
        // At a stop it is us who close, and the directory ends them; after a takeover their client goes on with them elsewhere.
        if (!_stopping && !_isSuperseded)
        {
            directory.Abandon(joined => ReferenceEquals(joined.Connection, connection), Cause.ClientGone, CancelReason.ClientDisconnect);
        }
    }

    private ValueTask<AgentResponse> JoinAsync(AgentEvent message, AgentConnection connection, CancellationToken cancellation) =>

        // A copy, because the inspector writes its own id into it while the server still needs the asker's.
        Find(message, connection) is { } joined ? InspectAsync(joined.Exchange, message with { }, budget, cancellation) : UnknownAsync(message, cancellation);

    private bool Complete(RequestCompleteEvent message)
    {
        if (directory.Remove(message.CorrelationId.ToString()) is not { } joined)
        {
            return false;
        }

        inspector.End(joined.Exchange, message with { });
        return true;
    }

    private TimeSpan Min(TimeSpan left) => left < budget ? left : budget;

    private async ValueTask<AgentResponse> UnknownAsync(AgentEvent message, CancellationToken cancellation) =>
        relay is { IsOpen: true } && await NativeRelay.AskAsync(relay, message, inspector.DeadlineIn(budget), cancellation).ConfigureAwait(false) is { } answer
            ? answer
            : Unknown();

    private NativeExchange? Find(AgentEvent message, AgentConnection connection)
    {
        var joined = directory.Find(message.CorrelationId.ToString());
        joined?.Connection = connection;
        return joined;
    }

    private static Cause CauseOf(CancelReason reason) => reason switch
    {
        CancelReason.Timeout => Cause.Timeout,
        CancelReason.BlockedByAgent => Cause.Decided,
        CancelReason.UpstreamError => Cause.UpstreamError,
        _ => Cause.ClientGone,
    };

    private AgentResponse Unknown()
    {
        inspector.Account(listener, unknownExchange == FailureMode.Open ? LedgerState.Bypassed : LedgerState.Refused, Cause.ExchangeUnknown);
        return unknownExchange == FailureMode.Open ? AgentResponse.Allow : VerdictResponse.Refused(Cause.ExchangeUnknown);
    }

    private async ValueTask<AgentResponse> InspectAsync(Exchange exchange, AgentEvent message, TimeSpan time, CancellationToken cancellation)
    {
        var registration = AbandonOn(exchange, cancellation);
        await using (registration.ConfigureAwait(false))
        {
            return VerdictResponse.From(await inspector.InspectAsync(exchange, message, inspector.DeadlineIn(time)).ConfigureAwait(false));
        }
    }

    private ValueTask<AgentResponse> PushAsync(BodyChunkEvent message, Direction direction, AgentConnection connection, CancellationToken cancellation) =>
        Find(message, connection) is { } joined ? PushAsync(joined, message, direction, budget, cancellation) : UnknownAsync(message, cancellation);

    private async ValueTask<AgentResponse> PushAsync(NativeExchange joined, BodyChunkEvent message, Direction direction, TimeSpan time, CancellationToken cancellation)
    {
        var registration = AbandonOn(joined.Exchange, cancellation);
        await using (registration.ConfigureAwait(false))
        {
            var total = message.TotalSize is { } size ? (long?)Math.Min(size, long.MaxValue) : null;
            var piece = new BodyPiece(message.Data, message.IsLast ? BodyEnd.Last : BodyEnd.More, total);
            using var step = await inspector.PushAsync(joined.Exchange, direction, piece, inspector.DeadlineIn(time)).ConfigureAwait(false);
            return joined.BodyOf(direction).Answer(step, message);
        }
    }

    private CancellationTokenRegistration AbandonOn(Exchange exchange, CancellationToken cancellation) => cancellation.UnsafeRegister(
        static state =>
        {
            var (self, exchange) = ((NativeHandler, Exchange))state!;
            self.Abandon(exchange);
        },
        (this, exchange));

    private void Abandon(Exchange exchange)
    {
        if (_stopping)
        {
            exchange.Abandon(Cause.Shutdown, CancelReason.ProxyShutdown);
        }
        else
        {
            exchange.Abandon(Cause.ClientGone, CancelReason.ClientDisconnect);
        }
    }
}
