using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Daemon.FrontEnds.AgentProtocol;

/// <summary>The daemon as an agent: its decisions are the verdicts of its routes. Carries every event in both directions.</summary>
/// <remarks>
/// The asker's correlation id joins the events of an exchange, on whichever connection they come; the exchange's own id is minted here.
/// </remarks>
/// <param name="listener">The listener's name.</param>
/// <param name="inspector">Who is asked.</param>
/// <param name="directory">The open exchanges.</param>
/// <param name="budget">Time for one phase.</param>
/// <param name="unknownExchange">What happens to an event of an exchange that nobody knows.</param>
/// <param name="logger">The log.</param>
/// <param name="relay">Other daemons that may know it; null for none.</param>
internal sealed class NativeHandler(
    string listener, Inspector inspector, ExchangeDirectory<NativeExchange> directory, TimeSpan budget, FailureMode unknownExchange,
    ILogger logger, IExchangeRelay? relay = null)
    : IAgentHandler
{
    // What anybody uses as an id fits into it; more would let 50,000 exchanges hold any amount of memory.
    private const int MaxKeyLength = 256;

    private readonly UnusedConfiguration _configuration = new(listener, logger);
    private volatile bool _stopping;
    private volatile bool _refusesNew;
    private volatile bool _isSuperseded;
    private int _told;

    /// <summary>Events that are cancelled from now on are so because the listener stops.</summary>
    public void Stop() => _stopping = true;

    /// <summary>
    /// The daemon stops, and waits for the exchanges that are open: new ones are not inspected any more, unless another daemon has taken
    /// over.
    /// </summary>
    public void RefuseNew() => _refusesNew = !_isSuperseded;

    /// <summary>Another daemon has taken over: the clients of this one go on there with what they began here.</summary>
    public void Supersede() => (_isSuperseded, _refusesNew) = (true, false);

    /// <summary>Answers an event that came to another daemon.</summary>
    public ValueTask<AgentResponse> AnswerAsync(AgentEvent message, TimeSpan left, CancellationToken cancellation)
    {
        switch (message)
        {
            case RequestCompleteEvent complete:
                Complete(complete);
                return new(AgentResponse.Allow);
            case not RequestHeadersEvent when TryGoOn(message, null, left < budget ? left : budget, cancellation, out var answer):
                return answer;
            default:
                return new(Unknown());
        }
    }

    public ValueTask<AgentResponse> OnRequestHeadersAsync(
        RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        var key = message.CorrelationId;
        var exchange = inspector.Begin(listener, message.Headers.Get("host") ?? message.Metadata.ServerName, message.Uri, message.Method);
        if (key.Length is 0 or > MaxKeyLength)
        {
            // Under an empty id all such requests would be one (spec §5.1).
            return new(End(exchange, exchange.Refuse(Cause.Malformed)));
        }

        if (_refusesNew && Inspector.PassBy(exchange, Cause.ShuttingDown) is { } passed)
        {
            return new(End(exchange, passed));
        }

        var joined = new NativeExchange(exchange, message, inspector.BodyMemory) { Connection = connection };
        joined.TryEnter();
        if (!directory.TryAdd(key, joined))
        {
            return new(End(exchange, exchange.Refuse(Cause.TooManyExchanges)));
        }

        var told = message with
        {
            Headers = HeaderNames.WithoutOwn(message.Headers),
            Metadata = message.Metadata with { RequestId = key.ToString(), RouteId = exchange.Route?.Id },
        };
        return AskAsync(joined, message, told, budget, cancellation);
    }

    public ValueTask<AgentResponse> OnRequestBodyChunkAsync(
        RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        GoOnAsync(message, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseHeadersAsync(
        ResponseHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        GoOnAsync(message, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseBodyChunkAsync(
        ResponseBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        GoOnAsync(message, connection, cancellation);

    public ValueTask<AgentResponse> OnWebSocketFrameAsync(
        WebSocketFrameEvent message, AgentConnection connection, CancellationToken cancellation) =>
        GoOnAsync(message, connection, cancellation);

    public async ValueTask<AgentResponse> OnRequestCompleteAsync(
        RequestCompleteEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        if (!Complete(message) && relay is { IsOpen: true })
        {
            await NativeRelay.AskAsync(relay, message, inspector.DeadlineIn(budget), cancellation).ConfigureAwait(false);
        }

        return AgentResponse.Allow;
    }

    // A refusal would keep the proxy from asking at all.
    public ValueTask<AgentResponse> OnConfigureAsync(ConfigureEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        _configuration.Note(message, connection.ProxyId);
        return new(AgentResponse.Allow);
    }

    // The asker's reason goes on to the agents; the token, which knows none, comes right after it and finds the calls ended.
    public void OnCancel(CancelRequest request, AgentConnection connection)
    {
        if (directory.Find(request.CorrelationId) is { } joined)
        {
            joined.Exchange.Expire(CauseOf(request.Reason), request.Reason);
        }
    }

    // A guardrail may be asked about text that belongs to no open exchange: then the inspection is an exchange of its own.
    public async ValueTask<AgentResponse> OnGuardrailInspectAsync(
        GuardrailInspectEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        if (directory.Find(message.CorrelationId) is { } joined && TryGoOn(message, connection, budget, cancellation, out var answer))
        {
            return VerdictResponse.NameUnheard(joined.Exchange, await answer.ConfigureAwait(false));
        }

        // It has no host, path or method: only a route without conditions takes it.
        var exchange = inspector.BeginOn(listener, message.RouteId) ?? inspector.Begin(listener, null, "", "");
        var registration = AbandonOn(exchange, cancellation);
        try
        {
            var verdict = await inspector.InspectAsync(exchange, message with { }, inspector.DeadlineIn(budget)).ConfigureAwait(false);
            return VerdictResponse.NameUnheard(exchange, VerdictResponse.From(verdict));
        }
        finally
        {
            registration.Unregister();
            inspector.End(exchange);
        }
    }



    /// <summary>A client that is gone tells no end: whatever it asked about last on this connection ends with it.</summary>
    /// <remarks>
    /// Half a close is a close: the protocol has no use for a client that sends nothing any more, not even the end of its exchanges.
    /// </remarks>
    public void OnDisconnected(AgentConnection connection)
    {
        // At a stop it is us who close, and the directory ends them; after a takeover their client goes on with them elsewhere.
        if (!_stopping && !_isSuperseded)
        {
            directory.Abandon(joined => ReferenceEquals(joined.Connection, connection), Cause.ClientGone, CancelReason.ClientDisconnect);
        }
    }

    private ValueTask<AgentResponse> GoOnAsync(AgentEvent message, AgentConnection connection, CancellationToken cancellation) =>
        TryGoOn(message, connection, budget, cancellation, out var answer) ? answer
        : relay is { IsOpen: true } ? AskElsewhereAsync(relay, message, cancellation)
        : new(Unknown());

    private async ValueTask<AgentResponse> AskElsewhereAsync(IExchangeRelay others, AgentEvent message, CancellationToken cancellation) =>
        await NativeRelay.AskAsync(others, message, inspector.DeadlineIn(budget), cancellation).ConfigureAwait(false) ?? Unknown();

    // False when nobody here knows the exchange.
    private bool TryGoOn(
        AgentEvent message, AgentConnection? connection, TimeSpan time, CancellationToken cancellation, out ValueTask<AgentResponse> answer)
    {
        var key = message.CorrelationId;
        var kind = EventKinds.Of(message.Type).AsSet();
        if (((EventSet)Volatile.Read(ref _told) & kind) == 0)
        {
            Interlocked.Or(ref _told, (int)kind);
        }

        if (directory.Find(key) is not { } joined || !joined.TryEnter())
        {
            answer = new(AgentResponse.Allow);
            return directory.HasEnded(key, kind);
        }

        joined.Connection = connection ?? joined.Connection;

        // A copy, because the inspector writes its own id into it while the server still needs the asker's.
        answer = AskAsync(joined, message, message is BodyChunkEvent ? message : message with { }, time, cancellation);
        return true;
    }

    // The one method that waits for agents between the server and the inspector. The exchange was entered.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<AgentResponse> AskAsync(
        NativeExchange joined, AgentEvent message, AgentEvent told, TimeSpan time, CancellationToken cancellation)
    {
        var answer = AgentResponse.Allow;
        var registration = AbandonOn(joined.Exchange, cancellation);
        try
        {
            var deadline = inspector.DeadlineIn(time);
            if (message is BodyChunkEvent chunk)
            {
                var direction = message is RequestBodyChunkEvent ? Direction.Request : Direction.Response;
                using var step = await inspector.PushAsync(joined.Exchange, direction, PieceOf(chunk), deadline).ConfigureAwait(false);
                return answer = joined.BodyOf(direction).Answer(step, chunk);
            }

            answer = VerdictResponse.From(await inspector.InspectAsync(joined.Exchange, told, deadline).ConfigureAwait(false));
            return message is RequestHeadersEvent request ? VerdictResponse.RemoveOwn(request.Headers, answer) : answer;
        }
        finally
        {
            // Not waiting for one that runs: this may be the thread that reads agents' answers.
            registration.Unregister();
            Leave(message.CorrelationId, joined, message, answer);
        }
    }

    private static BodyPiece PieceOf(BodyChunkEvent message) => new(
        message.Data, message.IsLast ? BodyEnd.Last : BodyEnd.More,
        message.TotalSize is { } size ? (long)Math.Min(size, long.MaxValue) : null);



    // Not every asker announces ends: what agents want nothing more of must not be kept until it expires.
    private void Leave(CorrelationId key, NativeExchange joined, AgentEvent message, AgentResponse answer)
    {
        joined.NoteAnswered(message, answer);
        var outlook = joined.Outlook((EventSet)Volatile.Read(ref _told));
        joined.Leave();
        if (outlook == NativeOutlook.Done)
        {
            directory.Conclude(key, joined);
        }
        else if (outlook == NativeOutlook.Over)
        {
            directory.Finish(key, joined);
        }
    }

    private AgentResponse End(Exchange exchange, Verdict verdict)
    {
        inspector.End(exchange);
        return VerdictResponse.From(verdict);
    }

    private bool Complete(RequestCompleteEvent message)
    {
        if (directory.Remove(message.CorrelationId, out var isKnown) is { } joined)
        {
            inspector.End(joined.Exchange, message with { });
        }

        return isKnown;
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
        var isOpen = unknownExchange == FailureMode.Open;
        inspector.Account(listener, isOpen ? LedgerState.Bypassed : LedgerState.Refused, Cause.ExchangeUnknown);
        return isOpen ? AgentResponse.Allow : VerdictResponse.Refused(Cause.ExchangeUnknown);
    }

    private CancellationTokenRegistration AbandonOn(Exchange exchange, CancellationToken cancellation) => cancellation.UnsafeRegister(
        static state =>
        {
            var (self, exchange) = ((NativeHandler, Exchange))state!;
            exchange.Abandon(self._stopping);
        },
        (this, exchange));
}
