using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>The exchanges that scripts ask about: finds the one of a question, or begins it. Safe from any thread.</summary>
/// <remarks>
/// A question that tells a request's method begins an exchange, and supersedes an open one of the same id; one that tells only a body, or a
/// response, goes on with the open one. A response whose request is not known may repeat it.
/// </remarks>
internal sealed class JsonExchanges(JsonListenerOptions options, Inspector inspector, ILogger logger) : IDisposable
{
    private readonly ExchangeDirectory<JsonExchange> _open = new(inspector, options.MaxExchanges, options.Expiry);

    /// <summary>Exchanges open now.</summary>
    public int Count => _open.Count;

    /// <summary>The exchange of a question.</summary>
    /// <param name="question">The question; the turn of its part is taken.</param>
    /// <param name="begun">Whether it began with this question.</param>
    /// <param name="early">The answer where there is nothing to inspect; then everything is accounted.</param>
    /// <returns>Null with an answer.</returns>
    public JsonExchange? Find(Question question, out bool begun, out Answer early)
    {
        (begun, early) = (false, null!);
        var request = question.Request;
        if (question.Tx is { } tx && _open.Find(tx) is { } open && (question.Phase.IsOfResponse() || request!.Method is null))
        {
            return Join(question, tx, open, out early);
        }

        if (request?.Method is null)
        {
            early = Unknown(question);
            return null;
        }

        begun = true;
        return Begin(question, request, out early);
    }

    /// <summary>Ends an exchange.</summary>
    public void End(string? tx, JsonExchange joined)
    {
        if (tx is not null)
        {
            _open.Remove(tx, joined);
        }

        inspector.End(joined.Exchange);
    }

    /// <summary>The caller tells how an exchange ended; one that is not open has ended before.</summary>
    public void Complete(string tx, RequestCompleteEvent facts)
    {
        if (_open.Remove(tx) is { } joined)
        {
            inspector.End(joined.Exchange, facts);
        }
    }

    /// <summary>Accounts for a question that makes no exchange: it was not understood, not taken, or its exchange is not known.</summary>
    /// <returns>The id under which that was done.</returns>
    public CorrelationId Account(LedgerState state, Cause cause) => inspector.Account(options.Name, state, cause).Id;

    /// <summary>Ends the open exchanges: the listener stops.</summary>
    public void Dispose() => _open.Dispose();

    private JsonExchange? Join(Question question, string tx, JsonExchange open, out Answer early)
    {
        early = null!;
        if (question.Phase.IsOfResponse() && open.IsRequestOpen)
        {
            // The proxy has given up on the request's phase.
            open.Exchange.Abandon(Cause.Superseded, CancelReason.Manual);
        }

        if (question.Body is not { } part || open.BodyOf(question.Direction).Take(part) is not { } wrong)
        {
            return open;
        }

        open.Exchange.Note(LedgerState.Refused, Cause.Malformed);
        Account(LedgerState.Refused, Cause.Malformed);
        early = Answer.Of(OutOfOrder($"the body of '{HeaderRules.Echo(tx)}': {wrong}"));
        return null;
    }

    private JsonExchange? Begin(Question question, QuestionRequest request, out Answer early)
    {
        early = null!;
        var exchange = inspector.Begin(options.Name, PhaseEvents.HostOf(request), request.Target, request.Method!);
        var joined = new JsonExchange(exchange, inspector.BodyMemory);
        if (ClientProblems.Of(request) is { } problem)
        {
            Log.Malformed(logger, question.Tx, exchange.Id, problem);
            exchange.Note(LedgerState.Refused, Cause.Malformed);
            early = new Answer { Tx = question.Tx, Id = exchange.Id, Direction = question.Direction };
            early.Outcome.Add(Verdict.Refused(Cause.Malformed));
        }
        else if (question.Body is { } part && joined.BodyOf(question.Direction).Take(part) is { } wrong)
        {
            exchange.Note(LedgerState.Refused, Cause.Malformed);
            early = Answer.Of(OutOfOrder($"the body of a new exchange: {wrong}"));
        }
        else if (question.Tx is { } tx && !_open.TryAdd(tx, joined))
        {
            exchange.Note(LedgerState.Refused, Cause.TooManyExchanges);
            early = Answer.Of(QuestionError.Overloaded(
                $"{options.MaxExchanges} exchanges are open, as many as may be; tell their ends, or leave out tx where nothing follows"));
        }
        else
        {
            return joined;
        }

        inspector.End(exchange);
        return null;
    }

    private Answer Unknown(Question question)
    {
        var isOpen = options.UnknownExchange == FailureMode.Open;
        var answer = new Answer
        {
            Tx = question.Tx,
            Id = Account(isOpen ? LedgerState.Bypassed : LedgerState.Refused, Cause.ExchangeUnknown),
            Direction = question.Direction,
            Continues = isOpen && question.IsPart,
        };
        answer.Outcome.Add(isOpen ? new Verdict { Cause = Cause.ExchangeUnknown } : Verdict.Refused(Cause.ExchangeUnknown));
        return answer;
    }

    private static QuestionError OutOfOrder(string message) => new(400, "out-of-order", message);
}
