using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>The gRPC service <c>envoy.service.auth.v3.Authorization</c>: one question per request, before it goes upstream (proxy integration §3.2). Safe for any number of calls.</summary>
/// <param name="inspector">Asks the agents.</param>
/// <param name="options">The filter.</param>
/// <param name="metrics">Counts what cannot be carried.</param>
/// <param name="isStopping">Whether calls that end now are cut off by us.</param>
/// <param name="logger">Takes what an operator must know.</param>
internal sealed class AuthzService(Inspector inspector, AuthzOptions options, SidecarMetrics metrics, Func<bool> isStopping, ILogger<AuthzService> logger)
{
    /// <summary>The method's path.</summary>
    public const string Path = "/envoy.service.auth.v3.Authorization/Check";

    // Of the time that Envoy gives, a fifth is left for the way back (rule 3).
    private const double Usable = 0.8;

    private readonly LogPace _pace = new(inspector.Time);
    private readonly AuthzAnswers _answers = new(options.Listener.Name, metrics);

    /// <summary>Answers one question.</summary>
    public async Task AnswerAsync(GrpcServerCall call)
    {
        var deadline = inspector.DeadlineIn(call.Timeout * Usable ?? options.Listener.Budget);
        var (question, cause) = await ReadAsync(call).ConfigureAwait(false);
        var answer = question is null
            ? RefuseUnread(cause)
            : await DecideAsync(call, new AuthzRequest(question, options.Listener), deadline).ConfigureAwait(false);
        await call.WriteAsync(answer, call.Cancellation).ConfigureAwait(false);
    }

    // Null for a question that is too large to be read, which a client can cause; what only a broken peer sends is an error.
    private async ValueTask<(CheckRequest? Question, Cause Cause)> ReadAsync(GrpcServerCall call)
    {
        try
        {
            if (await call.ReadOnlyAsync(CheckRequest.Parser, options.Listener.Budget).ConfigureAwait(false) is { } question)
            {
                return (question, Cause.None);
            }
        }
        catch (GrpcException e) when (ExtProcService.CauseOf(e) is { } cause)
        {
            if (_pace.MayLog(options.Listener.Name, out var more))
            {
                Log.MessageRefused(logger, options.Listener.Name, cause.Label(), e.Message, more);
            }

            return (null, cause);
        }
        catch (GrpcException e)
        {
            RefuseUnread(e.Status.Code == GrpcStatusCode.DeadlineExceeded ? Cause.Timeout : Cause.Malformed);
            throw;
        }

        RefuseUnread(Cause.Malformed);
        throw new GrpcException(GrpcStatusCode.InvalidArgument, "the call ended without a question");
    }

    private async ValueTask<CheckResponse> DecideAsync(GrpcServerCall call, AuthzRequest request, long deadline)
    {
        var headers = request.Headers;
        var exchange = inspector.BeginOn(options.Listener.Name, request.Route)
            ?? inspector.Begin(options.Listener.Name, headers.Authority, headers.Target ?? "/", headers.Method ?? "UNKNOWN");
        try
        {
            var registration = call.Cancellation.UnsafeRegister(_ => Abandon(exchange), null);
            await using (registration.ConfigureAwait(false))
            {
                var problem = headers.Method is null || headers.Target is null ? "it has no method or no path" : headers.Problem;
                if (problem is not null)
                {
                    Log.Malformed(logger, options.Listener.Name, exchange.Id.ToString(), problem);
                    return Refuse(exchange, Cause.Malformed);
                }

                var (verdict, isCarried) = await InspectAsync(exchange, request, deadline).ConfigureAwait(false);
                return !verdict.IsAllow ? AuthzAnswers.Deny(exchange, verdict)
                    : (isCarried ? _answers.Allow(exchange, verdict, headers) : null) ?? Refuse(exchange, Cause.Unapplied, verdict.Audits);
            }
        }
        catch (Exception e)
        {
            // A defect of ours must not let the request pass, so it is no error of the call.
            Log.CallFailed(logger, options.Listener.Name, Path, e);
            return Refuse(exchange, Cause.Internal);
        }
        finally
        {
            inspector.End(exchange);
        }
    }

    // The headers, then the body if an agent wants it: all in one phase and one answer.
    private async ValueTask<(Verdict Verdict, bool IsCarried)> InspectAsync(Exchange exchange, AuthzRequest request, long deadline)
    {
        var verdict = await inspector.InspectAsync(exchange, request.Event(exchange, inspector.Time.GetUtcNow()), deadline).ConfigureAwait(false);
        if (!verdict.IsAllow || Inspector.Wants(exchange).RequestBody.Need == BodyNeed.None || request.Piece(options.HasRequestBody) is not { } piece)
        {
            return (verdict, true);
        }

        using var step = await inspector.PushAsync(exchange, Direction.Request, piece, deadline).ConfigureAwait(false);
        var later = step.Verdict;
        if (!later.IsAllow)
        {
            return (later with { Audits = [.. verdict.Audits, .. later.Audits] }, true);
        }

        var isSame = step.IsUnchanged || step.Release.Span.SequenceEqual(piece.Bytes.Span);
        return (later with
        {
            Cause = verdict.Cause == Cause.None ? later.Cause : verdict.Cause,
            RequestHeaders = HeaderEdits.Join(verdict.RequestHeaders, later.RequestHeaders),
            ResponseHeaders = HeaderEdits.Join(verdict.ResponseHeaders, later.ResponseHeaders),
            Audits = [.. verdict.Audits, .. later.Audits],
        }, isSame || _answers.TryMissBody(exchange));
    }

    private void Abandon(Exchange exchange)
    {
        var isOurs = isStopping();
        exchange.Abandon(isOurs ? Cause.Shutdown : Cause.ClientGone, isOurs ? CancelReason.ProxyShutdown : CancelReason.ClientDisconnect);
    }

    private static CheckResponse Refuse(Exchange exchange, Cause cause, IReadOnlyList<AgentAudit>? audits = null)
    {
        exchange.Note(LedgerState.Refused, cause);
        return AuthzAnswers.Deny(exchange, Verdict.Refused(cause) with { Audits = audits ?? [] });
    }

    // It reached us, so it is accounted, though nobody knows what it was.
    private CheckResponse RefuseUnread(Cause cause) =>
        AuthzAnswers.Deny(inspector.Account(options.Listener.Name, LedgerState.Refused, cause), Verdict.Refused(cause));
}
