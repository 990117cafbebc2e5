using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// Answers the NOTIFYs of all connections of a listener: events for the inspector, variables for HAProxy. Every one is answered, also by a
/// defect of ours.
/// </summary>
/// <remarks>Request and response of an exchange come on whichever connection; they are joined by HAProxy's id of the transaction.</remarks>
internal sealed partial class SpopFrontEnd : IDisposable
{
    private readonly Inspector _inspector;
    private readonly SpopRules _rules;
    private readonly SpopAnswerWriter _writer;
    private readonly ExchangeDirectory<SpopExchange> _directory;
    private readonly IExchangeRelay? _relay;

    /// <summary>A front end without exchanges.</summary>
    /// <exception cref="ArgumentException">A header that the options name cannot be carried.</exception>
    public SpopFrontEnd(SpopListenerOptions options, Inspector inspector, ILogger logger, IExchangeRelay? relay = null)
    {
        (Options, _inspector, Logger, _relay) = (options, inspector, logger, relay);
        Throttle = new LogThrottle(inspector.Time);
        _writer = new SpopAnswerWriter(options, Throttle, logger);
        _rules = new SpopRules(options, Throttle, logger);
        _directory = new ExchangeDirectory<SpopExchange>(inspector);
        Reader = new NotifyArgumentsReader(options);
        PartialFrames = new ByteBudget(options.MaxPartialBytes, inspector.Time);
        relay?.Serve(new SpopRelay(this, options, inspector.Time));
    }

    public SpopListenerOptions Options { get; }

    /// <summary>Takes what an operator must know.</summary>
    public ILogger Logger { get; }

    /// <summary>Bounds that.</summary>
    public LogThrottle Throttle { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time => _inspector.Time;

    /// <summary>The daemon's body memory.</summary>
    public ByteBudget BodyMemory => _inspector.BodyMemory;

    /// <summary>Reads the arguments of messages.</summary>
    public NotifyArgumentsReader Reader { get; }

    /// <summary>
    /// What the beginnings of long frames on all connections may take; apart from the daemon's body memory, so that they cost no body its
    /// place.
    /// </summary>
    public ByteBudget PartialFrames { get; }

    /// <summary>Exchanges that wait for their response.</summary>
    public int Waiting => _directory.Count;

    /// <summary>
    /// Whether new exchanges are not inspected any more, because the daemon stops and only waits for the responses of older ones.
    /// </summary>
    public bool RefusesNew { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>Whether an exchange waits here for its response.</summary>
    public bool Knows(string id) => _directory.Find(CorrelationId.Parse(id)) is not null;

    /// <summary>Whether another daemon has to be asked, for only that may know the exchange.</summary>
    public bool MustAskElsewhere(NotifyRequest request) =>
        _relay is { IsOpen: true } && request is { Phase: SpopPhase.Response, Arguments.Id: { } id } && !Knows(id);

    /// <summary>Waits until no exchange waits for its response, or until the token fires.</summary>
    public Task WhenEmptyAsync(CancellationToken timeIsUp) => _directory.WhenEmptyAsync(timeIsUp);

    /// <summary>Inspects what a NOTIFY asks and answers it. Never throws.</summary>
    /// <remarks>The one method that waits for agents between the connection and the inspector.</remarks>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask AnswerAsync(NotifyRequest request, SpopReplies replies)
    {
        Exchange? exchange = null;
        SpopExchange? joined = null;
        SpopOutcome given = default;
        try
        {
            request.Hold(BodyMemory);
            var deadline = _inspector.DeadlineIn(request.Budget is { } left && left < Options.Budget ? left : Options.Budget);
            var isResponse = request.Phase == SpopPhase.Response;
            var verdict = isResponse ? OpenResponse(request, out exchange, out joined) : OpenRequest(request, out exchange, out joined);
            if (exchange is null)
            {
                if (request.Question is { } question
                    && await _relay!.AskAsync(request.Arguments.Id!, question, deadline, request.Asking()).ConfigureAwait(false) is { } ack)
                {
                    // The exchange is the other daemon's, which accounts for it.
                    await replies.SendAsync(ack).ConfigureAwait(false);
                    return;
                }

                exchange = _inspector.BeginUnknown(Options.Name);
                verdict = JudgeUnknown(request, exchange);
            }

            if (verdict is null)
            {
                var body = isResponse ? SpopBodies.OfResponse(request.Arguments, joined!.Method) : SpopBodies.OfRequest(request.Arguments);
                var message = EventOf(request, exchange, body is not null);
                verdict = await _inspector.InspectAsync(exchange, message, deadline).ConfigureAwait(false);
                if (verdict.IsAllow && body is { } piece)
                {
                    var direction = isResponse ? Direction.Response : Direction.Request;
                    using var step = await _inspector.PushAsync(exchange, direction, piece, deadline).ConfigureAwait(false);
                    verdict = SpopBodies.Join(exchange, direction, verdict, step);
                }
            }

            given = await SendAsync(request, replies, Compose(request, exchange, joined, verdict)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // A defect of ours: HAProxy hears of it, and it is counted.
            Log.Defect(Logger, e, Options.Name);
            exchange = await TryRefuseAsync(request, replies, exchange).ConfigureAwait(false);
        }
        finally
        {
            TryEnd(request, exchange, joined, given);
        }
    }

    /// <summary>Ends all exchanges: the listener stops.</summary>
    public void Dispose() => _directory.Dispose();

    private AgentEvent EventOf(NotifyRequest request, Exchange exchange, bool hasBody) => request.Phase == SpopPhase.Response
        ? new ResponseHeadersEvent { Status = (ushort)request.Arguments.Status!.Value, Headers = request.Arguments.Headers }
        : request.Arguments.RequestEvent(exchange, hasBody, Time.GetUtcNow());

    private static SpopAnswer Compose(NotifyRequest request, Exchange exchange, SpopExchange? joined, Verdict verdict)
    {
        if (joined is null)
        {
            return new SpopAnswer(exchange, verdict);
        }

        if (request.Phase == SpopPhase.Response)
        {
            return new SpopAnswer(exchange, verdict) { ResponseEdits = HeaderEdits.Join(joined.ResponseEdits, verdict.ResponseHeaders) };
        }

        var wants = verdict.IsAllow ? Inspector.Wants(exchange) : default;
        joined.Judge(verdict.ResponseHeaders, request.Arguments.BodyBytes.Length, wants.ResponseHeaders);
        return new SpopAnswer(exchange, verdict)
        {
            WantsResponse = wants.ResponseHeaders,
            WantsResponseBody = wants.ResponseBody.Need != BodyNeed.None,
        };
    }

    private async ValueTask<SpopOutcome> SendAsync(NotifyRequest request, SpopReplies replies, SpopAnswer answer)
    {
        var ack = replies.Rent();
        try
        {
            var given = _writer.Write(ack, request, answer, replies.MaxFrameSize);
            if (given.Cause == Cause.Unapplied)
            {
                answer.Exchange.Note(LedgerState.Refused, Cause.Unapplied);
            }

            if (!await replies.SendAsync(ack.Finish()).ConfigureAwait(false))
            {
                request.Abandon();
            }
            else if (request.IsUnheard)
            {
                answer.Exchange.Note(LedgerState.Abandoned, Cause.ClientGone);
            }

            // Rule 13.
            var outlives = answer.WantsResponse && given.IsAllow && !request.IsGone && !request.IsUnheard;
            return new(given.IsAllow ? StatusOf(request) : SpopAnswerWriter.Render(request.Phase, given).Status, outlives);
        }
        finally
        {
            replies.Return(ack);
        }
    }

    private static int StatusOf(NotifyRequest request) =>
        request.Phase == SpopPhase.Response ? (int)request.Arguments.Status.GetValueOrDefault() : 0;

    private async ValueTask<Exchange?> TryRefuseAsync(NotifyRequest request, SpopReplies replies, Exchange? exchange)
    {
        try
        {
            exchange ??= _inspector.BeginUnknown(Options.Name);
            await SendAsync(request, replies, new SpopAnswer(exchange, exchange.Refuse(Cause.Internal))).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.Defect(Logger, e, Options.Name);
        }

        return exchange;
    }

    private void TryEnd(NotifyRequest request, Exchange? exchange, SpopExchange? joined, SpopOutcome given)
    {
        if (exchange is null || given.Outlives)
        {
            return;
        }

        try
        {
            var isResponse = request.Phase == SpopPhase.Response;
            if (!isResponse && joined is not null)
            {
                _directory.Remove(CorrelationId.Parse(request.Arguments.Id!), joined);
            }

            var came = request.Arguments.BodyBytes.Length;
            _inspector.End(exchange, isResponse && joined is null ? null : new RequestCompleteEvent
            {
                Status = (ushort)given.Status,
                DurationMs = (ulong)Time.GetElapsedTime(exchange.Started).TotalMilliseconds,
                RequestBodySize = (ulong)(isResponse ? joined!.RequestBytes : came),
                ResponseBodySize = (ulong)(isResponse ? came : 0),
            });
        }
        catch (Exception e)
        {
            Log.Defect(Logger, e, Options.Name);
        }
    }

    // The status that the client gets, 0 for whatever the upstream says; and whether the exchange waits for its response.
    private readonly record struct SpopOutcome(int Status, bool Outlives);
}
