using Google.Protobuf;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// Envoy's own reply, or an earlier filter's, about a request that has not gone upstream: it passes as it is and no agent is asked, because
/// a request that was refused before us is no business of theirs. Stateless.
/// </summary>
internal static class LocalReply
{
    /// <summary>The answer that lets a part of it pass; null for one that is no part of a response.</summary>
    /// <param name="message">The part.</param>
    /// <param name="mode">How its body comes; null when nobody knows.</param>
    public static ProcessingResponse? AnswerTo(ProcessingRequest message, BodySendMode? mode) => message.RequestCase switch
    {
        Part.ResponseHeaders => new ProcessingResponse { ResponseHeaders = new HeadersResponse { Response = new CommonResponse() } },
        Part.ResponseBody => new ProcessingResponse { ResponseBody = new BodyResponse { Response = Same(message.ResponseBody, mode) } },
        Part.ResponseTrailers => new ProcessingResponse { ResponseTrailers = new TrailersResponse() },
        _ => null,
    };

    /// <summary>Accounts for a response whose request nobody asked about.</summary>
    /// <param name="message">Its headers.</param>
    /// <param name="inspector">Keeps the account.</param>
    /// <param name="listener">The listener's name.</param>
    /// <returns>What is wrong with the filter; null where it is Envoy's own reply.</returns>
    public static ExtProcEnd? WrongIn(ProcessingRequest message, Inspector inspector, string listener)
    {
        var (state, wrong) = new ExtProcAttributes(message.Attributes).Origin switch
        {
            ResponseOrigin.Envoy => (LedgerState.NotSubject, null),
            ResponseOrigin.Upstream => (
                LedgerState.Bypassed,
                "a response came, and its request went upstream unasked; the filter's request_header_mode must be SEND"),
            _ => (LedgerState.Refused, "a response came before its request; the filter's response_attributes must have "
                + "response.code_details, so that Envoy's own replies are known"),
        };
        inspector.Account(listener, state, wrong is null ? Cause.LocalReply : Cause.BrokenFilter);
        return wrong is null ? null : new ExtProcEnd(wrong);
    }

    private static CommonResponse Same(HttpBody body, BodySendMode? mode) => mode == BodySendMode.FullDuplexStreamed
        ? new CommonResponse
        {
            BodyMutation = new() { StreamedResponse = new() { Body = body.Body, EndOfStream = ExtProcOrder.IsLast(body) } },
        }
        : new CommonResponse();
}

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
