using Google.Protobuf;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>A verdict that lets nothing pass as Envoy's immediate response (proxy integration §3.5.12). Stateless.</summary>
internal static class ImmediateResponses
{
    // It stands in a field of access logs.
    private const int MaxDetails = 128;

    /// <summary>The complete reply.</summary>
    /// <param name="verdict">Any but allow.</param>
    public static ImmediateResponse From(Verdict verdict)
    {
        var reply = ReplyRenderer.Render(verdict);
        return new ImmediateResponse
        {
            Status = new HttpStatus { Code = reply.Status },
            Headers = EnvoyEdits.ForReply(reply.Headers),
            Body = UnsafeByteOperations.UnsafeWrap(reply.Body),
            Details = Details(verdict),
        };
    }

    private static string Details(Verdict verdict)
    {
        var text = string.Join('_', new[] { "sidecar", verdict.Kind.Label(), verdict.DecidedBy, verdict.Cause == Cause.None ? null : verdict.Cause.Label() }
            .Where(static word => !string.IsNullOrEmpty(word)));
        return string.Concat(text.Take(MaxDetails).Select(static c => c is > ' ' and < '\x7f' ? c : '_'));
    }
}
