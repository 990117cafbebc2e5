using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// The bodies of clients at a listener whose proxy may put them into its questions: whether a request has one, whether agents are shown it,
/// and what is noticed of the proxy's configuration. Safe for any number of questions at once.
/// </summary>
/// <remarks>
/// Nothing goes upstream before the answer, so a body is shown piece by piece, as agents want it, and dropped: the proxy has it. What
/// nobody wants the server reads and drops behind the answer, because a proxy that writes into a closed connection fails.
/// </remarks>
/// <param name="options">The listener.</param>
/// <param name="inspector">Asks the agents.</param>
/// <param name="logger">Is told what an operator must mend.</param>
internal sealed class CheckBodies(HttpListenerOptions options, Inspector inspector, ILogger logger)
{
    private volatile bool _haveCome;

    /// <summary>Whether a question has the client's body as its own.</summary>
    public bool ComesWith(IFeatureCollection question) =>
        options.Dialect.CarriesBodies && question.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true };

    /// <summary>Why agents are not shown the request's body; none where there surely is none, or it is here to be shown.</summary>
    /// <param name="request">The request.</param>
    /// <param name="comes">Whether its body is here.</param>
    /// <param name="form">What the configuration that asks has.</param>
    public Cause UnseenCause(in ClientRequest request, bool comes, CheckForm form)
    {
        if (comes)
        {
            _haveCome = true;
            if (options.Bodies == RequestBodies.Kept)
            {
                inspector.Warnings.Add(logger, options.Name, $"questions come with bodies ({options.Dialect.BodiesAreSentBy}), which "
                    + "agents are not shown: say request-body=yes");
            }

            return options.Bodies == RequestBodies.Shown ? Cause.None : Cause.NoBody;
        }

        if (!options.Dialect.CarriesBodies || options.Bodies == RequestBodies.Kept)
        {
            return request.UnseenBody(options.Dialect.TellsFraming, form == CheckForm.Announced);
        }

        // Until one has come, nothing but the listener's key says that the proxy sends any.
        if (_haveCome || !RequestRules.IsMadeForABody(request.Method))
        {
            return Cause.None;
        }

        inspector.Warnings.Add(logger, options.Name, $"a {request.Method} request came without a body, and none has come yet: "
            + $"{options.Dialect.BodiesAreSentBy} must be set, or request-body= taken away");
        return Cause.MaybeBody;
    }

    /// <summary>Shows agents the body that came with a question.</summary>
    /// <param name="question">The question.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="isCut">Whether the client's body goes on beyond what came.</param>
    /// <param name="headers">What was said of the headers: an allow.</param>
    /// <param name="deadline">When the phase's time is up.</param>
    /// <returns>What was said of all.</returns>
    public async ValueTask<Verdict> ShowAsync(IFeatureCollection question, Exchange exchange, bool isCut, Verdict headers, long deadline)
    {
        using var registration = CheckEndpoint.AbandonWhenGone(question, exchange);
        var gone = question.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        var left = inspector.Time.GetElapsedTime(inspector.Time.GetTimestamp(), deadline);
        using var patience = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, inspector.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, gone);
        try
        {
            return await PushAllAsync(question, exchange, isCut, headers, deadline, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // A body that is broken or does not come is as good as the one that it announces: not seen.
            var cause = gone.IsCancellationRequested ? Cause.ClientGone : e is BadHttpRequestException ? Cause.Malformed : Cause.Timeout;
            exchange.Note(cause == Cause.ClientGone ? LedgerState.Abandoned : LedgerState.Refused, cause);
            return Verdict.Refused(cause);
        }
    }

    private async ValueTask<Verdict> PushAllAsync(
        IFeatureCollection question, Exchange exchange, bool isCut, Verdict verdict, long deadline, CancellationToken cancellation)
    {
        var input = question.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        var length = question.GetRequiredFeature<IHttpRequestFeature>().Headers.ContentLength;
        var pushed = 0L;
        while (true)
        {
            var result = await input.ReadAsync(cancellation).ConfigureAwait(false);
            var (buffer, progress) = (result.Buffer, default(BodyProgress));
            do
            {
                // One segment at a time, and at least once at the end, which may have no bytes.
                var bytes = buffer.First;
                buffer = buffer.Slice(bytes.Length);
                pushed += bytes.Length;
                var ends = buffer.IsEmpty && (result.IsCompleted || pushed == length);
                var end = !ends ? BodyEnd.More : isCut ? BodyEnd.Truncated : BodyEnd.Last;
                var piece = new BodyPiece(bytes, end, isCut ? null : length);
                using var step = await inspector.PushAsync(exchange, Direction.Request, piece, deadline).ConfigureAwait(false);
                (verdict, progress) = (verdict.Then(step.Verdict), step.Progress);
                if (ends || !verdict.IsAllow || !progress.WantsMore)
                {
                    input.AdvanceTo(buffer.Start);
                    if (!verdict.IsAllow || (progress.IsPristine && (progress.Released == progress.Pushed || !ends)))
                    {
                        return verdict;
                    }

                    // Nothing carries it: the proxy sends on what it has.
                    exchange.NoteUnapplied("request-body");
                    return exchange.Route is { RefusesUnapplied: false } ? verdict : exchange.Refuse(Cause.Unapplied, verdict.Audits);
                }
            }
            while (!buffer.IsEmpty);
            input.AdvanceTo(result.Buffer.End);
        }
    }




}
