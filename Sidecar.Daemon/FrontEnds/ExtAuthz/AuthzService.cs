using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.ExtAuthz;

/// <summary>
/// The gRPC service <c>envoy.service.auth.v3.Authorization</c>: one question per request, before it goes upstream (proxy integration §3.2).
/// Safe for any number of calls.
/// </summary>
/// <param name="inspector">Asks the agents.</param>
/// <param name="options">The filter.</param>
/// <param name="isStopping">Whether calls that end now are cut off by us.</param>
/// <param name="logger">Takes what an operator must know.</param>
internal sealed class AuthzService(Inspector inspector, EnvoyFilterOptions options, Func<bool> isStopping, ILogger<AuthzService> logger)
{
    /// <summary>The method's path.</summary>
    public const string Path = "/envoy.service.auth.v3.Authorization/Check";

    private readonly LogThrottle _throttle = new(inspector.Time);
    private readonly AuthzBodies _bodies = new(inspector, options, logger);

    /// <summary>Answers one question.</summary>
    public async Task AnswerAsync(GrpcServerCall call)
    {
        var deadline = inspector.DeadlineIn(call.Timeout * options.UsableTime ?? options.Budget);
        var (question, cause) = await ReadAsync(call).ConfigureAwait(false);
        var answer = question is null
            ? RefuseUnread(cause)
            : await DecideAsync(call, new AuthzRequest(question, options), deadline).ConfigureAwait(false);
        await call.WriteAsync(answer, call.Cancellation).ConfigureAwait(false);
    }

    // Null for a question that is too large to be read, which a client can cause; what only a broken peer sends is an error.
    private async ValueTask<(CheckRequest? Question, Cause Cause)> ReadAsync(GrpcServerCall call)
    {
        try
        {
            return await call.ReadOnlyAsync(CheckRequest.Parser, options.Budget).ConfigureAwait(false) is { } question
                ? (question, Cause.None)
                : throw new GrpcException(GrpcStatusCode.InvalidArgument, "the call ended without a question");
        }
        catch (GrpcException e) when (MessageMemory.CauseOf(e) is { } cause)
        {
            if (_throttle.MayLog(options.Name, out var more))
            {
                EnvoyLog.MessageRefused(logger, options.Name, cause.Label(), e.Message, more);
            }

            return (null, cause);
        }
        catch (GrpcException e)
        {
            RefuseUnread(e.Status.Code == GrpcStatusCode.DeadlineExceeded ? Cause.Timeout : Cause.Malformed);
            throw;
        }
    }

    private async ValueTask<CheckResponse> DecideAsync(GrpcServerCall call, AuthzRequest request, long deadline)
    {
        var headers = request.Headers;
        var exchange = headers is { Target: { } target, Method: { } method }
            ? BeginOnNamed(request) ?? inspector.Begin(options.Name, headers.Authority, target, method)
            : inspector.BeginUnknown(options.Name);
        exchange.UnseenBody = _bodies.OpenCause(request);
        try
        {
            var registration = call.Cancellation.UnsafeRegister(_ => exchange.Abandon(isStopping()), null);
            await using (registration.ConfigureAwait(false))
            {
                var problem = headers.Method is null || headers.Target is null ? "it has no method or no path" : headers.Problem;
                if (problem is not null)
                {
                    EnvoyLog.Malformed(logger, options.Name, exchange.Id.ToString(), problem);
                    return Refuse(exchange, Cause.Malformed, headers.IsGrpc);
                }

                var (verdict, isCarried) = await InspectAsync(exchange, request, deadline).ConfigureAwait(false);
                return !verdict.IsAllow ? AuthzAnswers.Deny(exchange, verdict, headers.IsGrpc)
                    : (isCarried ? AuthzAnswers.Allow(exchange, verdict, headers) : null)
                    ?? Refuse(exchange, Cause.Unapplied, headers.IsGrpc, verdict.Audits);
            }
        }
        catch (Exception e)
        {
            // A defect of ours must not let the request pass, so it is no error of the call.
            EnvoyLog.CallFailed(logger, options.Name, Path, e);
            return Refuse(exchange, Cause.Internal, headers.IsGrpc);
        }
        finally
        {
            inspector.End(exchange);
        }
    }

    // The headers, then the body if an agent wants it: all in one phase and one answer.
    private async ValueTask<(Verdict Verdict, bool IsCarried)> InspectAsync(Exchange exchange, AuthzRequest request, long deadline)
    {
        var body = _bodies.HasOne(request) ? request.Piece(options) : (BodyPiece?)null;
        var verdict = await inspector.InspectAsync(
            exchange, request.Event(exchange, body, inspector.Time.GetUtcNow()), deadline).ConfigureAwait(false);
        if (!verdict.IsAllow || Inspector.Wants(exchange).RequestBody.Need == BodyNeed.None || body is not { } piece)
        {
            return (verdict, true);
        }

        using var step = await inspector.PushAsync(exchange, Direction.Request, piece, deadline).ConfigureAwait(false);
        var sum = verdict.Then(step.Verdict);
        var isSame = !sum.IsAllow || step.IsUnchanged || step.Joined().Span.SequenceEqual(piece.Bytes.Span);
        return (sum, isSame || AuthzAnswers.TryMissBody(exchange));
    }

    // Null where the filter names no route, or one that is none: then the request itself says.
    private Exchange? BeginOnNamed(AuthzRequest request)
    {
        if (request.Route is not { } route)
        {
            return null;
        }

        var exchange = inspector.BeginOn(options.Name, route, request.Headers.Authority, request.Headers.Target, request.Headers.Method);
        if (exchange is null)
        {
            inspector.Warnings.Add(logger, options.Name, $"the filter names the route '{HeaderRules.Echo(route)}' (context_extensions), "
                + "which no --route defines: host, path and method decide instead");
        }

        return exchange;
    }

    private static CheckResponse Refuse(Exchange exchange, Cause cause, bool isGrpc, IReadOnlyList<AgentAudit>? audits = null) =>
        AuthzAnswers.Deny(exchange, exchange.Refuse(cause, audits), isGrpc);

    // It reached us, so it is accounted, though nobody knows what it was.
    private CheckResponse RefuseUnread(Cause cause) =>
        AuthzAnswers.Deny(inspector.Account(options.Name, LedgerState.Refused, cause), Verdict.Refused(cause), isGrpc: null);
}
