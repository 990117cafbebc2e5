using System.Text;
using Google.Protobuf;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using RpcStatus = Sidecar.Protocol.Envoy.Status;

namespace Sidecar.Daemon.FrontEnds.ExtAuthz;

/// <summary>
/// Verdicts in the words of ext_authz (proxy integration §3.2, §3.3). Only <c>status.code</c> decides; values go into <c>value</c>, never
/// <c>raw_value</c>. Safe from any thread.
/// </summary>
internal static class AuthzAnswers
{
    private const int PermissionDenied = 7;
    private const int Unauthenticated = 16;

    /// <summary>
    /// A refusal with its whole reply. Never an error: that would let the request pass where the filter's failure mode allows it.
    /// </summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="verdict">The refusal.</param>
    /// <param name="isGrpc">Whether the client speaks gRPC; null when nobody knows.</param>
    public static CheckResponse Deny(Exchange exchange, Verdict verdict, bool? isGrpc)
    {
        var page = ReplyRenderer.Render(verdict);
        var reply = isGrpc switch { true => GrpcReply.Of(page), false => page, null => GrpcReply.AsLine(page) };
        var denied = new DeniedHttpResponse
        {
            Status = new HttpStatus { Code = reply.Status },
            Body = Encoding.UTF8.GetString(reply.Body.Span),
        };
        denied.Headers.AddRange(EnvoyEdits.ForReply(reply.Headers).SetHeaders.Select(AsText));
        return With(exchange, verdict, new CheckResponse
        {
            Status = new RpcStatus
            {
                Code = verdict.Kind == VerdictKind.Challenge ? Unauthenticated : PermissionDenied,
                Message = verdict.Kind.Label(),
            },
            DeniedResponse = denied,
        });
    }

    /// <summary>A pass with its changes; null when one that matters cannot be carried, so that the request must not go on.</summary>
    public static CheckResponse? Allow(Exchange exchange, Verdict verdict, EnvoyHeaders headers)
    {
        var request = new HeaderMutation();
        if (!EnvoyEdits.TryCarry(verdict.RequestHeaders, Direction.Request, headers.Headers, exchange, request))
        {
            return null;
        }

        EnvoyEdits.Mark(request, verdict.Cause);
        var ok = new OkHttpResponse();
        ok.Headers.AddRange(request.SetHeaders.Select(AsText));
        ok.HeadersToRemove.AddRange(request.RemoveHeaders);

        ok.HeadersToRemove.Add(PartialBody.Name);

        // Envoy sets first and removes then.
        ok.HeadersToRemove.AddRange(headers.Own.Distinct(StringComparer.Ordinal)
            .Where(name => verdict.Cause == Cause.None || !name.Equals(EnvoyEdits.Bypassed, StringComparison.OrdinalIgnoreCase)));

        // Envoy has no way to take a header from the upstream's response here.
        var response = new HeaderMutation();
        EnvoyEdits.TryCarry(
            [.. verdict.ResponseHeaders.Where(static edit => edit.IsRemoval)], Direction.Response, headers: null, exchange, mutation: null);
        EnvoyEdits.TryCarry(
            [.. verdict.ResponseHeaders.Where(static edit => !edit.IsRemoval)], Direction.Response, headers.Headers, exchange, response);
        ok.ResponseHeadersToAdd.AddRange(response.SetHeaders.Select(AsText));
        return With(exchange, verdict, new CheckResponse { Status = new RpcStatus(), OkResponse = ok });
    }

    /// <summary>Notes a change of the body: there is no place for one.</summary>
    /// <returns>False when the request must not go on.</returns>
    public static bool TryMissBody(Exchange exchange)
    {
        EnvoyEdits.NoteBody(exchange, Direction.Request);
        return exchange.Route is { RefusesUnapplied: false };
    }

    // The namespace is the filter's own.
    private static CheckResponse With(Exchange exchange, Verdict verdict, CheckResponse answer)
    {
        answer.DynamicMetadata = VerdictMetadata.Of(exchange, verdict, isFirst: true)?.Fields[VerdictMetadata.Namespace].StructValue;
        return answer;
    }

    private static HeaderValueOption AsText(HeaderValueOption option)
    {
        option.Header.Value = option.Header.RawValue.ToStringUtf8();
        option.Header.RawValue = ByteString.Empty;
        return option;
    }
}
