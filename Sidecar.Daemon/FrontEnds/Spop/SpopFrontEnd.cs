using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// Answers the NOTIFYs of all sessions of a listener: events for the inspector, variables for HAProxy. Every turn is answered, also by a defect of ours.
/// </summary>
/// <remarks>Request and response of an exchange come on whichever connection; they are joined by HAProxy's id of the transaction.</remarks>
internal sealed class SpopFrontEnd : IDisposable
{
    private readonly SpopListenerOptions _options;
    private readonly Inspector _inspector;
    private readonly ILogger _logger;
    private readonly SpopInspection _inspection;
    private readonly SpopAnswerWriter _writer;
    private readonly ExchangeDirectory<SpopExchange> _directory;
    private readonly IExchangeRelay? _relay;
    private volatile bool _refusesNew;

    /// <summary>A front end without exchanges.</summary>
    /// <exception cref="ArgumentException">A header that the options name cannot be carried.</exception>
    public SpopFrontEnd(
        SpopListenerOptions options, Inspector inspector, ILogger logger,
        IExchangeRelay? relay = null)
    {
        (_options, _inspector, _logger, _relay) = (options, inspector, logger, relay);
        var pace = new LogThrottle(inspector.Time);
        _writer = new SpopAnswerWriter(options, pace, logger);
        _inspection = new SpopInspection(options, inspector, pace, logger);
        _directory = new ExchangeDirectory<SpopExchange>(inspector);
        Reader = new NotifyArgumentsReader(options, inspector.BodyMemory);
        PartialFrames = new ByteBudget(options.MaxPartialBytes, inspector.Time);
        relay?.Serve(new SpopRelay(this, options, inspector.Time));
    }

    /// <summary>Reads the arguments of messages.</summary>
    public NotifyArgumentsReader Reader { get; }

    /// <summary>
    /// What the beginnings of long frames on all connections may take; apart from the daemon's body memory, so that they cost no body its place.
    /// </summary>
    public ByteBudget PartialFrames { get; }

    /// <summary>Exchanges that wait for their response.</summary>
    public int Waiting => _directory.Count;

    /// <summary>Whether new exchanges are not inspected any more, because the daemon stops and only waits for the responses of older ones.</summary>
    public bool RefusesNew
    {
        get => _refusesNew;
        set => _refusesNew = value;
    }

    /// <summary>Whether an exchange waits here for its response.</summary>
    public bool Knows(string id) => _directory.Find(CorrelationId.Parse(id)) is not null;

    /// <summary>Whether another daemon has to be asked, for only that may know the exchange.</summary>
    public bool MustAskElsewhere(NotifyRequest turn) =>
        _relay is { IsOpen: true } && turn is { Phase: SpopPhase.Response, Facts.Id: { } id } && !Knows(id);

    /// <summary>Waits until no exchange waits for its response, or until the token fires.</summary>
    public Task WhenEmptyAsync(CancellationToken timeIsUp) => _directory.WhenEmptyAsync(timeIsUp);

    /// <summary>Inspects what a NOTIFY asks and answers it. Never throws.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask AnswerAsync(NotifyRequest turn, SpopReplies replies)
    {
        try
        {
            if (turn.Phase == SpopPhase.Response)
            {
                await AnswerResponseAsync(turn, replies).ConfigureAwait(false);
            }
            else
            {
                await AnswerRequestAsync(turn, replies).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            Log.Defect(_logger, e, _options.Name);
        }
    }

    /// <summary>Ends all exchanges: the listener stops.</summary>
    public void Dispose() => _directory.Dispose();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AnswerRequestAsync(NotifyRequest turn, SpopReplies replies)
    {
        var facts = turn.Facts;
        var deadline = _inspector.DeadlineIn(_options.Budget);
        var exchange = Begin(facts);
        turn.Attach(exchange);
        SpopExchange? joined = null;
        var status = 0;
        var outlives = false;
        try
        {
            var verdict = _inspection.Refusal(turn, exchange) ?? (_refusesNew ? Inspector.PassBy(exchange, Cause.ShuttingDown) : null);
            if (verdict is null && _options.HasResponsePhase)
            {
                joined = new SpopExchange(exchange, facts.Method!);
                if (!_directory.TryAdd(CorrelationId.Parse(facts.Id!), joined))
                {
                    joined = null;
                    verdict = exchange.Refuse(Cause.TooManyExchanges);
                }
            }

            verdict ??= await _inspection.RequestAsync(turn, exchange, deadline).ConfigureAwait(false);
            var wants = verdict.IsAllow && joined is not null ? Inspector.Wants(exchange) : default;
            var answer = new SpopAnswer(exchange, verdict)
            {
                WantsResponse = wants.ResponseHeaders,
                WantsResponseBody = wants.ResponseBody.Need != BodyNeed.None,
            };
            if (joined is not null)
            {
                (joined.ResponseEdits, joined.RequestBytes, joined.AwaitsResponse) = (verdict.ResponseHeaders, facts.BodyBytes.Length, answer.WantsResponse);

                // From here on HAProxy may ask about the response.
                joined.IsJudged = true;
            }

            var given = await SendAsync(turn, replies, answer).ConfigureAwait(false);
            status = StatusOf(turn, given);

            // Rule 13.
            outlives = answer.WantsResponse && given.IsAllow && !turn.IsGone && !turn.IsUnheard;
        }
        catch
        {
            await SendAsync(turn, replies, new SpopAnswer(exchange, exchange.Refuse(Cause.Internal))).ConfigureAwait(false);
            throw;
        }
        finally
        {
            if (!outlives)
            {
                if (joined is not null)
                {
                    _directory.Remove(CorrelationId.Parse(facts.Id!), joined);
                }

                _inspector.End(exchange, Complete(exchange, status, facts.BodyBytes.Length, 0));
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AnswerResponseAsync(NotifyRequest turn, SpopReplies replies)
    {
        var facts = turn.Facts;
        var deadline = _inspector.DeadlineIn(turn.Budget is { } left && left < _options.Budget ? left : _options.Budget);
        if (facts.Id is not { } id || _directory.Remove(CorrelationId.Parse(id)) is not { } joined)
        {
            if (!await TryAskElsewhereAsync(turn, replies, deadline).ConfigureAwait(false))
            {
                await AnswerUnknownAsync(turn, replies).ConfigureAwait(false);
            }

            return;
        }

        var exchange = joined.Exchange;
        turn.Attach(exchange);
        var status = 0;
        try
        {
            if (!joined.IsJudged)
            {
                // HAProxy gave up waiting for the request's verdict and went on.
                exchange.Abandon(Cause.Superseded, CancelReason.Manual);
            }

            var verdict = _inspection.Refusal(turn, exchange) ?? await _inspection.ResponseAsync(turn, joined, deadline).ConfigureAwait(false);
            var answer = new SpopAnswer(exchange, verdict) { ResponseEdits = HeaderEdits.Join(joined.ResponseEdits, verdict.ResponseHeaders) };
            var given = await SendAsync(turn, replies, answer).ConfigureAwait(false);
            status = given.IsAllow ? (int)facts.Status.GetValueOrDefault() : StatusOf(turn, given);
        }
        catch
        {
            await SendAsync(turn, replies, new SpopAnswer(exchange, exchange.Refuse(Cause.Internal))).ConfigureAwait(false);
            throw;
        }
        finally
        {
            _inspector.End(exchange, Complete(exchange, status, joined.RequestBytes, facts.BodyBytes.Length));
        }
    }

    // The exchange is the other daemon's, which accounts for it.
    private async ValueTask<bool> TryAskElsewhereAsync(NotifyRequest turn, SpopReplies replies, long deadline)
    {
        if (turn.Question is not { } question || await _relay!.AskAsync(turn.Facts.Id!, question, deadline, turn.Asking()).ConfigureAwait(false) is not { } ack)
        {
            return false;
        }

        await replies.SendAsync(ack).ConfigureAwait(false);
        return true;
    }

    private async ValueTask AnswerUnknownAsync(NotifyRequest turn, SpopReplies replies)
    {
        var exchange = _inspector.BeginUnknown(_options.Name);
        try
        {
            var isOpen = _options.UnknownExchange == FailureMode.Open;
            var verdict = _inspection.Refusal(turn, exchange)
                ?? (isOpen ? Verdict.Allow with { Cause = Cause.ExchangeUnknown } : Verdict.Refused(Cause.ExchangeUnknown));
            exchange.Note(verdict.IsAllow ? LedgerState.Bypassed : LedgerState.Refused, verdict.Cause);
            await SendAsync(turn, replies, new SpopAnswer(exchange, verdict)).ConfigureAwait(false);
        }
        finally
        {
            _inspector.End(exchange);
        }
    }

    // What a message without method or target asks for nobody knows: it is refused, and stands in no route's account.
    private Exchange Begin(NotifyArguments facts)
    {
        if (facts is not { Method: { } method, Target: { } target })
        {
            return _inspector.BeginUnknown(_options.Name);
        }

        var host = facts.Header("host"u8) ?? facts.Client.Sni;
        return facts.Route is { } route && _inspector.BeginOn(_options.Name, route, host, target, method) is { } named
            ? named
            : _inspector.Begin(_options.Name, host, target, method);
    }

    private async ValueTask<Verdict> SendAsync(NotifyRequest turn, SpopReplies replies, SpopAnswer answer)
    {
        var ack = replies.Rent();
        try
        {
            var given = _writer.Write(ack, turn, answer, replies.MaxFrameSize);
            if (given.Cause == Cause.Unapplied)
            {
                answer.Exchange.Note(LedgerState.Refused, Cause.Unapplied);
            }

            if (!await replies.SendAsync(ack.Finish()).ConfigureAwait(false))
            {
                turn.Abandon();
            }
            else if (turn.IsUnheard)
            {
                answer.Exchange.Note(LedgerState.Abandoned, Cause.ClientGone);
            }

            return given;
        }
        finally
        {
            replies.Return(ack);
        }
    }

    private static int StatusOf(NotifyRequest turn, Verdict verdict) => verdict.IsAllow ? 0 : SpopAnswerWriter.Render(turn.Phase, verdict).Status;

    private RequestCompleteEvent Complete(Exchange exchange, int status, long requestBytes, long responseBytes) => new()
    {
        Status = (ushort)status,
        DurationMs = (ulong)_inspector.Time.GetElapsedTime(exchange.Started).TotalMilliseconds,
        RequestBodySize = (ulong)requestBytes,
        ResponseBodySize = (ulong)responseBytes,
    };
}
