using Sidecar.Protocol.Envoy;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// Envoy's own reply, or an earlier filter's, about a request that has not gone upstream: it passes as it is and no agent is asked, because a request
/// that was refused before us is no business of theirs.
/// </summary>
/// <param name="answers">The way out.</param>
/// <param name="mode">How its body comes; null when nobody knows.</param>
internal sealed class LocalReply(ExtProcAnswers answers, BodySendMode? mode)
{
    /// <summary>Lets the next part pass.</summary>
    /// <returns>False for one that is no part of a response.</returns>
    /// <exception cref="ExtProcOutputException">The answer could not be written.</exception>
    public async ValueTask<bool> TryPassAsync(ProcessingRequest message)
    {
        if (AnswerTo(message) is not { } answer)
        {
            return false;
        }

        await answers.WriteAsync(answer).ConfigureAwait(false);
        return true;
    }

    private ProcessingResponse? AnswerTo(ProcessingRequest message) => message.RequestCase switch
    {
        Part.ResponseHeaders => new ProcessingResponse { ResponseHeaders = new HeadersResponse { Response = new CommonResponse() } },
        Part.ResponseBody => new ProcessingResponse { ResponseBody = new BodyResponse { Response = Same(message.ResponseBody) } },
        Part.ResponseTrailers => new ProcessingResponse { ResponseTrailers = new TrailersResponse() },
        _ => null,
    };

    private CommonResponse Same(HttpBody body) => mode == BodySendMode.FullDuplexStreamed
        ? new CommonResponse { BodyMutation = Whole(new StreamedBodyResponse { Body = body.Body, EndOfStream = ExtProcOrder.IsLast(body) }) }
        : new CommonResponse();

    private static BodyMutation Whole(StreamedBodyResponse body) => new() { StreamedResponse = body };
}
