using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>Answers a proxy's question about a client's request, in the dialect of its listener (proxy integration §2, §3.6, §4).</summary>
/// <remarks>Safe for any number of requests at once.</remarks>
/// <param name="options">The listener.</param>
/// <param name="inspector">Asks the agents.</param>
/// <param name="carried">The places for header edits.</param>
/// <param name="form">How the verdict is told.</param>
/// <param name="logger">Takes what an operator or a tester of the proxy's configuration must know.</param>
internal sealed class CheckEndpoint(
    HttpListenerOptions options, Inspector inspector, HeaderMapping carried, IVerdictWriter form, ILogger<CheckEndpoint> logger)
{
    private readonly LogThrottle _throttle = new(inspector.Time);
    private readonly CheckBodies _bodies = new(options, inspector, logger);

    /// <summary>Answers one question.</summary>
    /// <param name="features">The question.</param>
    /// <param name="form">Where the proxy asked.</param>
    public Task AnswerAsync(IFeatureCollection features, CheckForm form = CheckForm.Usual)
    {
        var hasBody = _bodies.ComesWith(features);
        var client = ClientRequestReader.Read(features.GetRequiredFeature<IHttpRequestFeature>(), options, form);

        // Without both nobody knows what it asks for; it is refused below, and stands in no route's account.
        var exchange = client.RawTarget.Length == 0 || client.Method.Length == 0
            ? inspector.BeginUnknown(options.Name)
            : inspector.Begin(options.Name, client.Host, client.RawTarget, client.Method);
        exchange.SessionId = client[TrustedHeader.Session];
        exchange.UnseenBody = _bodies.UnseenCause(client, hasBody, form);
        CheckHops(client);
        return client.Problem is null
            ? InspectAsync(features, client, exchange, hasBody && options.Bodies == RequestBodies.Shown)
            : RefuseAsync(features, client, exchange);
    }

    private Task InspectAsync(IFeatureCollection features, in ClientRequest client, Exchange exchange, bool showsBody)
    {
        try
        {
            var message = client.Event(options.TrustedHops, exchange, showsBody, inspector.Time.GetUtcNow());
            return AskAsync(features, exchange, message, showsBody ? client[TrustedHeader.PartialBody] == PartialBody.GoesOn : null);
        }
        catch
        {
            NoteDefect(exchange);
            inspector.End(exchange);
            throw;
        }
    }

    // The one method that waits for agents between the server and the inspector: what it holds meanwhile is all that a question keeps of
    // ours. The client's body that came with the question is cut or whole; null where agents are not shown it.
    private async Task AskAsync(IFeatureCollection features, Exchange exchange, RequestHeadersEvent message, bool? isCut)
    {
        ReadOnlyMemory<byte> reply;
        try
        {
            var deadline = inspector.DeadlineIn(options.Budget);
            var pending = inspector.InspectAsync(exchange, message, deadline);
            Verdict verdict;
            var registration = pending.IsCompleted ? default : AbandonWhenGone(features, exchange);
            try
            {
                verdict = await pending.ConfigureAwait(false);
            }
            finally
            {
                // Not waiting for one that runs: this may be the thread that reads the agent's answers, and abandoning later does nothing.
                registration.Unregister();
            }

            if (isCut is { } cut && verdict.IsAllow && Inspector.Wants(exchange).RequestBody.Need != BodyNeed.None)
            {
                verdict = await _bodies.ShowAsync(features, exchange, cut, verdict, deadline).ConfigureAwait(false);
            }

            reply = Write(features, exchange, message.Headers, verdict);
        }
        catch
        {
            NoteDefect(exchange);
            throw;
        }
        finally
        {
            inspector.End(exchange);
        }

        await SendAsync(features, reply).ConfigureAwait(false);
    }

    // The request is refused by whoever answers in our place, and so it must stand in the ledger.
    private static void NoteDefect(Exchange exchange) => exchange.Note(LedgerState.Refused, Cause.Internal);



    private ReadOnlyMemory<byte> Write(IFeatureCollection features, Exchange exchange, HeaderBlock client, Verdict verdict)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        if (verdict.IsAllow
            && carried.Write(
                answer.Headers, verdict, client, features.GetRequiredFeature<IHttpRequestFeature>().Headers, exchange) is { } instead)
        {
            exchange.Note(LedgerState.Refused, instead.Cause);
            verdict = instead;
        }

        return form.Write(answer, exchange, verdict, !verdict.IsAllow && GrpcReply.IsFor(client));
    }

    /// <summary>Abandons an exchange when nobody waits for the answer any more.</summary>
    public static CancellationTokenRegistration AbandonWhenGone(IFeatureCollection features, Exchange exchange) =>
        features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted.UnsafeRegister(
            static state => ((Exchange)state!).Abandon(), exchange);

    private void CheckHops(in ClientRequest client)
    {
        if (options.TrustedHops > 0
            && (client[TrustedHeader.ClientAddress] is not { } list || list.AsSpan().Count(',') < options.TrustedHops))
        {
            inspector.Warnings.Add(
                logger, options.Name,
                $"X-Forwarded-For had fewer than the {options.TrustedHops + 1} addresses of trusted-hops={options.TrustedHops}: a request "
                + "came past the load balancer, or the proxy hides what it told (trustForwardHeader, trustedIPs)");
        }
    }

    private Task RefuseAsync(IFeatureCollection features, in ClientRequest client, Exchange exchange)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        var body = form.Write(answer, exchange, exchange.Refuse(Cause.Malformed), GrpcReply.IsFor(client.Headers));
        if (client.IsPlumbing)
        {
            answer.StatusCode = StatusCodes.Status400BadRequest;
            if (_throttle.MayLog(options.Name, out var more))
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

    private static Task SendAsync(IFeatureCollection features, ReadOnlyMemory<byte> body)
    {
        if (features.GetRequiredFeature<IHttpRequestFeature>().Method == "CONNECT")
        {
            // Whoever asks with the client's method takes what follows for a tunnel, and waits for its end.
            features.GetRequiredFeature<IHttpResponseFeature>().Headers.Connection = "close";
        }

        return body.IsEmpty ? Task.CompletedTask : features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body).AsTask();
    }

}

/// <summary>How a verdict is put into the answer to a proxy's question. Safe for any number of requests at once.</summary>
internal interface IVerdictWriter
{
    /// <summary>Sets status and headers.</summary>
    /// <param name="answer">The answer; what <see cref="HeaderMapping"/> wrote for an allow stands in it.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="verdict">What the agents decided, or why they were not asked.</param>
    /// <param name="isGrpc">Whether the client speaks gRPC.</param>
    /// <returns>The body to send; empty for none.</returns>
    ReadOnlyMemory<byte> Write(IHttpResponseFeature answer, Exchange exchange, Verdict verdict, bool isGrpc);
}
