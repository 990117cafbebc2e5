using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Answers a proxy's question about a client's request, in the dialect of its listener (proxy integration §2, §3.6, §4).</summary>
/// <remarks>Safe for any number of requests at once.</remarks>
/// <param name="options">The listener.</param>
/// <param name="inspector">Asks the agents.</param>
/// <param name="carried">The places for header edits.</param>
/// <param name="form">How the verdict is told.</param>
/// <param name="logger">Takes what an operator or a tester of the proxy's configuration must know.</param>
internal sealed class CheckEndpoint(
    HttpListenerOptions options, Inspector inspector, CarriedHeaders carried, IVerdictForm form, ILogger<CheckEndpoint> logger)
{
    private readonly LogPace _pace = new(inspector.Time);

    /// <summary>Answers one question.</summary>
    /// <param name="features">The question.</param>
    /// <param name="isAnnounced">Whether the proxy asked where only a configuration asks that lets no body pass unannounced; see <see cref="ClientBody"/>.</param>
    public Task AnswerAsync(IFeatureCollection features, bool isAnnounced = false)
    {
        var client = ClientRequestReader.Read(features.GetRequiredFeature<IHttpRequestFeature>(), options, isAnnounced);
        var exchange = inspector.Begin(options.Name, client.Host, client.RawTarget, client.Method);
        exchange.SessionId = client[TrustedHeader.Session];
        exchange.UnseenBody = ClientBody.CauseOf(client, options.Dialect.TellsFraming, isAnnounced);
        return client.Problem is null ? InspectAsync(features, client, exchange) : RefuseAsync(features, client, exchange);
    }

    private async Task InspectAsync(IFeatureCollection features, ClientRequest client, Exchange exchange)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        ReadOnlyMemory<byte> body;
        try
        {
            var message = EventBuilder.Build(client, exchange, inspector.Time.GetUtcNow());
            var verdict = await AskAsync(features, exchange, message).ConfigureAwait(false);
            var question = features.GetRequiredFeature<IHttpRequestFeature>().Headers;
            if (verdict.IsAllow && carried.Write(answer.Headers, verdict, client, question, exchange.Route) is { } instead)
            {
                exchange.Note(LedgerState.Refused, instead.Cause);
                verdict = instead;
            }

            body = form.Write(answer, exchange, verdict);
        }
        catch
        {
            // A defect of ours: the request is refused by whoever answers in our place, and so it must stand in the ledger.
            exchange.Note(LedgerState.Refused, Cause.Internal);
            throw;
        }
        finally
        {
            inspector.End(exchange);
        }

        await SendAsync(features, body).ConfigureAwait(false);
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

    private Task RefuseAsync(IFeatureCollection features, ClientRequest client, Exchange exchange)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        exchange.Note(LedgerState.Refused, Cause.Malformed);
        var body = form.Write(answer, exchange, Verdict.Refused(Cause.Malformed));
        if (client.IsPlumbing)
        {
            answer.StatusCode = StatusCodes.Status400BadRequest;
            if (_pace.MayLog(options.Name, out var more))
            {
                Log.Plumbing(logger, options.Name, client.Problem!, more);
            }
        }
        else
        {
            Log.Malformed(logger, client[TrustedHeader.RequestId], exchange.Id.ToString(), client.Problem!);
        }

        inspector.End(exchange);
        return SendAsync(features, body);
    }

    private static Task SendAsync(IFeatureCollection features, ReadOnlyMemory<byte> body) =>
        body.IsEmpty ? Task.CompletedTask : features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body).AsTask();
}
