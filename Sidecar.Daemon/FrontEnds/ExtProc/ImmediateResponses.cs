using Google.Protobuf;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>A verdict that lets nothing pass as Envoy's immediate response (proxy integration §3.5.12). Stateless.</summary>
internal static class ImmediateResponses
{
    // It stands in a field of access logs.
    private const int MaxDetails = 128;

    /// <summary>The complete reply.</summary>
    /// <param name="verdict">Any but allow.</param>
    /// <param name="isGrpc">Whether the client speaks gRPC; null when nobody knows.</param>
    public static ImmediateResponse From(Verdict verdict, bool? isGrpc)
    {
        var page = ReplyRenderer.Render(verdict);
        var reply = isGrpc == false ? page : GrpcReply.AsLine(page);
        return new ImmediateResponse
        {
            Status = new HttpStatus { Code = reply.Status },
            Headers = EnvoyEdits.ForReply(reply.Headers),
            Body = UnsafeByteOperations.UnsafeWrap(reply.Body),
            Details = Details(verdict),

            // Without effect for other clients.
            GrpcStatus = isGrpc == false ? null : new GrpcStatus { Status = (uint)GrpcReply.CodeOf(reply.Status) },
        };
    }

    private static string Details(Verdict verdict)
    {
        var text = string.Join(
            '_', new[] { "sidecar", verdict.Kind.Label(), verdict.DecidedBy, verdict.Cause == Cause.None ? null : verdict.Cause.Label() }
            .Where(static word => !string.IsNullOrEmpty(word)));
        return string.Concat(text.Take(MaxDetails).Select(static c => c is > ' ' and < '\x7f' ? c : '_'));
    }
}
