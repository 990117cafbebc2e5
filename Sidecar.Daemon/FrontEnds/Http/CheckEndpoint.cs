using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Answers nginx's <c>auth_request</c>: 200 lets the request pass, 403 does not, and everything else stands in the headers (proxy integration §2).</summary>
/// <remarks>The body is always empty: after any other nginx closes the connection. Safe for any number of requests at once.</remarks>
internal sealed class CheckEndpoint(
    HttpListenerOptions options, Inspector inspector, ReplyTokens tokens, SidecarMetrics metrics, ILogger<CheckEndpoint> logger)
{
    private readonly CarriedHeaders _carried = new(options, metrics);

    /// <summary>Answers one question. Returns when the headers of the answer are set.</summary>
    public Task AnswerAsync(IFeatureCollection features)
    {
        var question = features.GetRequiredFeature<IHttpRequestFeature>().Headers;
        var client = ClientRequestReader.Read(question, options);
        var exchange = inspector.Begin(options.Name, client.Host, client.RawTarget, client.Method);
        if (client.Problem is null)
        {
            return InspectAsync(features, client, exchange);
        }

        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        Refuse(answer, client, exchange);
        inspector.End(exchange);
        return Task.CompletedTask;
    }

    private async Task InspectAsync(IFeatureCollection features, ClientRequest client, Exchange exchange)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        try
        {
            var message = EventBuilder.Build(client, exchange, inspector.Time.GetUtcNow());
            var verdict = await AskAsync(features, exchange, message).ConfigureAwait(false);
            var question = features.GetRequiredFeature<IHttpRequestFeature>().Headers;
            if (verdict.IsAllow && _carried.Write(answer.Headers, verdict, client, question, exchange.Route) is { } instead)
            {
                exchange.Note(LedgerState.Refused, instead.Cause);
                verdict = instead;
            }

            Answer(answer, exchange, verdict);
        }
        catch
        {
            // A defect of ours: the server answers 500, which nginx takes for a refusal, and so must the ledger.
            exchange.Note(LedgerState.Refused, Cause.Internal);
            throw;
        }
        finally
        {
            inspector.End(exchange);
        }
    }

    private async ValueTask<Verdict> AskAsync(IFeatureCollection features, Exchange exchange, RequestHeadersEvent message)
    {
        var pending = inspector.InspectAsync(exchange, message, inspector.DeadlineIn(options.Budget));
        if (pending.IsCompleted)
        {
            return await pending.ConfigureAwait(false);
        }

        var gone = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        using var registration = gone.UnsafeRegister(
            static state => ((Exchange)state!).Abandon(Cause.ClientGone, CancelReason.ClientDisconnect), exchange);
        return await pending.ConfigureAwait(false);
    }

    private void Refuse(IHttpResponseFeature answer, ClientRequest client, Exchange exchange)
    {
        exchange.Note(LedgerState.Refused, Cause.Malformed);
        Answer(answer, exchange, new Verdict { Kind = VerdictKind.FailedClosed, Cause = Cause.Malformed });
        if (client.IsPlumbing)
        {
            answer.StatusCode = StatusCodes.Status400BadRequest;
            Log.Plumbing(logger, options.Name, client.Problem!);
        }
        else
        {
            Log.Malformed(logger, client[TrustedHeader.RequestId], exchange.Id.ToString(), client.Problem!);
        }
    }

    private void Answer(IHttpResponseFeature answer, Exchange exchange, Verdict verdict)
    {
        var headers = answer.Headers;
        var id = exchange.Id.ToString();
        headers.ContentLength = 0;
        headers[AnswerHeaders.Id] = id;
        headers[AnswerHeaders.Action] = verdict.Kind.Label();
        headers[AnswerHeaders.Audit] = AuditLine.Write(verdict.Audits);
        headers[AnswerHeaders.Cause] = verdict.Cause == Cause.None ? "" : verdict.Cause.Label();
        headers[AnswerHeaders.Reply] = "";
        if (!verdict.IsAllow)
        {
            answer.StatusCode = StatusCodes.Status403Forbidden;
            headers[AnswerHeaders.Reply] = TokenFor(verdict, id);
            _carried.WriteNone(headers);
        }
    }

    private string TokenFor(Verdict verdict, string exchange)
    {
        var reply = ReplyRenderer.Render(verdict);
        if (tokens.Issue(reply) is { } token)
        {
            return token;
        }

        metrics.Unapplied(options.Name, "reply-body");
        Log.ReplyTooLong(logger, verdict.DecidedBy, exchange, ReplyTokens.MaxLength, reply.Status);
        var page = ReplyRenderer.Render(new Verdict { Kind = VerdictKind.Block, Decision = new BlockDecision((ushort)reply.Status) });
        return tokens.Issue(page) ?? throw new InvalidOperationException(
            $"the default page of status {reply.Status} does not fit a token of {ReplyTokens.MaxLength} characters");
    }
}
