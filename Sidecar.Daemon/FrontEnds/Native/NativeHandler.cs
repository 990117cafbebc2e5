using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Agents;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Native;

/// <summary>The daemon as an agent: its decisions are the verdicts of its routes. Carries every event in both directions.</summary>
/// <remarks>The asker's correlation id joins the events of an exchange, on whichever connection they come; the exchange's own id is minted here.</remarks>
internal sealed class NativeHandler(string listener, Inspector inspector, ExchangeDirectory directory, TimeSpan budget, FailureMode unknownExchange)
    : IAgentHandler
{
    // What anybody uses as an id fits into it; more would let 50,000 exchanges hold any amount of memory.
    private const int MaxKeyLength = 256;

    private volatile bool _stopping;

    /// <summary>Events that are cancelled from now on are so because the listener stops.</summary>
    public void Stop() => _stopping = true;

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

        if (!directory.TryAdd(key, exchange))
        {
            exchange.Note(LedgerState.Refused, Cause.TooManyExchanges);
            inspector.End(exchange);
            return VerdictResponse.Refused(Cause.TooManyExchanges);
        }

        var told = message with { Headers = OwnHeaders.Without(message.Headers), Metadata = message.Metadata with { RequestId = key, RouteId = exchange.Route?.Id } };
        return await InspectAsync(exchange, told, Direction.Request, cancellation).ConfigureAwait(false);
    }

    public ValueTask<AgentResponse> OnRequestBodyChunkAsync(RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        JoinAsync(message, Direction.Request, cancellation);

    public ValueTask<AgentResponse> OnResponseHeadersAsync(ResponseHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        JoinAsync(message, Direction.Response, cancellation);

    public ValueTask<AgentResponse> OnResponseBodyChunkAsync(ResponseBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        JoinAsync(message, Direction.Response, cancellation);

    public ValueTask<AgentResponse> OnWebSocketFrameAsync(WebSocketFrameEvent message, AgentConnection connection, CancellationToken cancellation) =>
        JoinAsync(message, message.ClientToServer ? Direction.Request : Direction.Response, cancellation);

    public ValueTask<AgentResponse> OnRequestCompleteAsync(RequestCompleteEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        if (directory.Remove(message.CorrelationId.ToString()) is { } exchange)
        {
            inspector.End(exchange, message with { });
        }

        return new(AgentResponse.Allow);
    }

    // A guardrail may be asked about text that belongs to no open exchange: then the inspection is an exchange of its own.
    public async ValueTask<AgentResponse> OnGuardrailInspectAsync(GuardrailInspectEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        var direction = message.InspectionType == GuardrailInspectionType.PiiDetection ? Direction.Response : Direction.Request;
        if (directory.Find(message.CorrelationId.ToString()) is { } open)
        {
            return await InspectAsync(open, message with { }, direction, cancellation).ConfigureAwait(false);
        }

        var exchange = inspector.BeginOn(listener, message.RouteId) ?? inspector.Begin(listener, null, "/", "GUARDRAIL");
        try
        {
            return await InspectAsync(exchange, message with { }, direction, cancellation).ConfigureAwait(false);
        }
        finally
        {
            inspector.End(exchange);
        }
    }

    private ValueTask<AgentResponse> JoinAsync(AgentEvent message, Direction direction, CancellationToken cancellation)
    {
        // A copy, because the inspector writes its own id into it while the server still needs the asker's.
        if (directory.Find(message.CorrelationId.ToString()) is { } exchange)
        {
            return InspectAsync(exchange, message with { }, direction, cancellation);
        }

        var unknown = inspector.Begin(listener, null, "/", "UNKNOWN");
        unknown.Note(unknownExchange == FailureMode.Open ? LedgerState.Bypassed : LedgerState.Refused, Cause.ExchangeUnknown);
        inspector.End(unknown);
        return new(unknownExchange == FailureMode.Open ? AgentResponse.Allow : VerdictResponse.Refused(Cause.ExchangeUnknown));
    }

    private async ValueTask<AgentResponse> InspectAsync(Exchange exchange, AgentEvent message, Direction direction, CancellationToken cancellation)
    {
        var registration = cancellation.UnsafeRegister(static state =>
        {
            var (self, exchange) = ((NativeHandler, Exchange))state!;
            self.Abandon(exchange);
        }, (this, exchange));
        await using (registration.ConfigureAwait(false))
        {
            var verdict = await inspector.InspectAsync(exchange, message, inspector.DeadlineIn(budget)).ConfigureAwait(false);
            return VerdictResponse.From(verdict, direction);
        }
    }

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
