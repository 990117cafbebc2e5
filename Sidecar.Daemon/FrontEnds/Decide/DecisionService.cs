using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// Answers questions: shows the agents the events of a phase and says whether the exchange goes on (proxy integration §6).
/// </summary>
/// <remarks>
/// An exchange ends with a decision other than allow, and as soon as no agent wants more of it (rule 13) unless its caller has said that it
/// will tell the end. Safe for any number of questions at once.
/// </remarks>
internal sealed class DecisionService : IDisposable
{
    /// <summary>The part of a caller's patience that the answer may take; the rest is for the way back (rule 3).</summary>
    public const double ShareOfPatience = 0.8;

    private readonly JsonListenerOptions _options;
    private readonly Inspector _inspector;
    private readonly ILogger _logger;
    private readonly IExchangeRelay? _relay;

    /// <summary>A decider without exchanges.</summary>
    /// <param name="options">The listener.</param>
    /// <param name="inspector">Who is asked.</param>
    /// <param name="logger">Where it logs.</param>
    /// <param name="relay">Other daemons that may know an exchange; null for none.</param>
    public DecisionService(JsonListenerOptions options, Inspector inspector, ILogger<DecisionService> logger, IExchangeRelay? relay = null)
    {
        (_options, _inspector, _logger, _relay) = (options, inspector, logger, relay);
        Exchanges = new JsonExchanges(options, inspector, logger);
        relay?.Serve(new JsonRelay(this, options));
    }

    public JsonExchanges Exchanges { get; }

    /// <summary>The clock of questions.</summary>
    public TimeProvider Time => _inspector.Time;

    /// <summary>The budget of body bytes.</summary>
    public ByteBudget BodyMemory => _inspector.BodyMemory;

    /// <summary>
    /// A question as another daemon would be asked it, to be made before the question is read; null while there is no other.
    /// </summary>
    public byte[]? ForOthers(ReceivedDecideRequest received, JsonRelay.Form form) =>
        _relay is { IsOpen: true } ? JsonRelay.DecideRequest(received, form) : null;

    /// <summary>The caller tells how an exchange ended.</summary>
    /// <param name="tx">Its id.</param>
    /// <param name="facts">What the caller knows.</param>
    /// <param name="others">What other daemons are told where it is not open here; null for none.</param>
    public async ValueTask CompleteAsync(string tx, RequestCompleteEvent facts, byte[]? others)
    {
        if (!Exchanges.Complete(tx, facts) && others is not null)
        {
            await _relay!.AskAsync(tx, others, _inspector.DeadlineIn(_options.Budget), CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Answers a question. Never throws for what a caller or a client can cause.</summary>
    /// <param name="question">The question; its body must stay valid until the answer is disposed of.</param>
    /// <param name="arrived">When it began to arrive, a timestamp: its deadline counts from there.</param>
    /// <param name="gone">Fires when nobody waits for the answer any more.</param>
    /// <param name="others">
    /// What other daemons are asked where the exchange is not open here (<see cref="ForOthers"/>); null for none.
    /// </param>
    public async ValueTask<Answer> DecideAsync(DecideRequest question, long arrived, CancellationToken gone, byte[]? others = null)
    {
        if (others is not null && Exchanges.IsUnknown(question)
            && JsonRelay.Read(
                await _relay!.AskAsync(question.Tx!, others, DeadlineOf(question, arrived), gone).ConfigureAwait(false)) is { } relayed)
        {
            return relayed;
        }

        if (Exchanges.Find(question, out var begun, out var early) is not { } joined)
        {
            return early;
        }

        joined.Enter(question);
        var stays = false;
        try
        {
            var registration = gone.UnsafeRegister(static state => ((Exchange)state!).Abandon(), joined.Exchange);
            await using (registration.ConfigureAwait(false))
            {
                var answer = await InspectAsync(question, joined, begun, DeadlineOf(question, arrived)).ConfigureAwait(false);
                stays = Stays(question, joined, answer) && question is { Tx: not null, Ends: false };
                return answer;
            }
        }
        catch
        {
            joined.Exchange.Note(LedgerState.Refused, Cause.Internal);
            throw;
        }
        finally
        {
            joined.Leave(question);
            if (!stays)
            {
                Exchanges.End(question.Tx, joined);
            }
            else if (joined.IsOver)
            {
                Exchanges.Finish(question.Tx!, joined);
            }
        }
    }

    public void Dispose() => Exchanges.Dispose();

    private long DeadlineOf(DecideRequest question, long arrived)
    {
        var patience = question.Patience is { } told && told * ShareOfPatience < _options.Budget ? told * ShareOfPatience : _options.Budget;
        return arrived + (long)(patience.TotalSeconds * _inspector.Time.TimestampFrequency);
    }

    private async ValueTask<Answer> InspectAsync(DecideRequest question, JsonExchange joined, bool begun, long deadline)
    {
        var exchange = joined.Exchange;
        var answer = new Answer { Tx = question.Tx, Exchange = exchange, Direction = question.Direction, Continues = question.IsPart };
        if (begun)
        {
            // What a client sends under our names reaches nobody: not the agents, and not the upstream if the script does as it is told.
            answer.Strip(HeaderNames.OwnIn(question.Request!.Headers.Block));
            var message = question.RequestEvent(exchange, _inspector.Time.GetUtcNow());
            answer.Add(await _inspector.InspectAsync(exchange, message, deadline).ConfigureAwait(false));
        }

        if (question.IsOfResponse && answer.Verdict.IsAllow)
        {
            if (question.Response!.Headers.Problem is { } problem)
            {
                Log.Malformed(_logger, question.Tx, exchange.Id, problem);
                answer.Add(exchange.Refuse(Cause.Malformed));
            }
            else if (question.Response.Status is not null && joined.TryTakeResponseHeaders())
            {
                answer.Add(await _inspector.InspectAsync(exchange, question.ResponseEvent(), deadline).ConfigureAwait(false));
            }
        }

        if (question.Body is { } part && answer.Verdict.IsAllow)
        {
            var piece = new BodyPiece(part.Data, part.End, part.Total);
            Take(answer, joined, part.End, await _inspector.PushAsync(exchange, answer.Direction, piece, deadline).ConfigureAwait(false));
        }

        if (question.IsOfResponse)
        {
            answer.ForgetRequestHeaders();
        }

        return answer;
    }

    private static void Take(Answer answer, JsonExchange joined, BodyEnd end, BodyStep step)
    {
        ReadOnlyMemory<byte>? body = null;
        var verdict = step.Verdict;
        if (verdict.IsAllow && !joined.BodyOf(answer.Direction).TryRelease(step, end, out body))
        {
            verdict = joined.Exchange.Refuse(Cause.BodyMemory);
        }

        answer.Add(verdict);
        answer.Take(step, verdict.IsAllow ? body : null);
    }

    // Whether the exchange waits for more; tells the caller too what that is.
    private static bool Stays(DecideRequest question, JsonExchange joined, Answer answer)
    {
        if (!answer.Verdict.IsAllow)
        {
            // Given up by its caller, who may go on without a verdict and ask about the response.
            return answer.Cause is Cause.ClientGone or Cause.Superseded;
        }

        var wanted = Inspector.Wants(joined.Exchange);
        var isOfResponse = question.IsOfResponse;
        answer.Wanted = wanted = new WantedEvents(
            question.Phase == Phase.RequestHeaders || (question.IsPart && !isOfResponse) ? wanted.RequestBody : default,
            wanted.ResponseHeaders && !isOfResponse,
            question.Phase != Phase.Response || question.IsPart ? wanted.ResponseBody : default);
        joined.AwaitsResponse = !isOfResponse && (wanted.ResponseHeaders || wanted.ResponseBody.Need != BodyNeed.None);
        var goesOn = question.IsPart || wanted.ResponseHeaders || wanted.RequestBody.Need != BodyNeed.None
            || wanted.ResponseBody.Need != BodyNeed.None;
        joined.IsOver = !goesOn;
        return goesOn || joined.AnnouncesEnd;
    }
}
