using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// The application of a listener for scripts (proxy integration §6): <c>/v1/decide</c>, <c>/v1/mirror</c>, <c>/v1/audit</c>, and whether we
/// are well.
/// </summary>
/// <remarks>
/// Only the script chooses the path, so an unknown one is 404. What cannot be answered with a decision is an error with a code; the script
/// applies its own failure mode, and the ledger has it as refused.
/// </remarks>
/// <param name="options">The listener.</param>
/// <param name="decider">Answers questions.</param>
/// <param name="mirror">Takes those that nobody waits for.</param>
/// <param name="missingAgents">The enforced agents that take no exchanges now; asked for each <c>/readyz</c>.</param>
/// <param name="logger">Where wrong questions are told, one line a minute.</param>
internal sealed class JsonFrontEnd(
    JsonListenerOptions options, DecisionService decider, Mirror mirror, Func<IReadOnlyList<string>> missingAgents,
    ILogger<JsonFrontEnd> logger)
    : FeatureApplication
{
    // The media type of the binary form.
    private const string FrameType = "application/vnd.sidecar.frame";

    private readonly DecideRequestSource _source = new(options, decider.BodyMemory, decider.Time);
    private readonly LogThrottle _throttle = new(decider.Time);
    private int _questions;

    public override Task ProcessRequestAsync(IFeatureCollection context)
    {
        NoStore.Mark(context.GetRequiredFeature<IHttpResponseFeature>());
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var path = PathOf(context);
        var isPost = request.Method == HttpMethods.Post;
        return path switch
        {
            "/v1/decide" when isPost => TakeAsync(context, DecideAsync),
            "/v1/mirror" when isPost => TakeAsync(context, MirrorAsync),
            "/v1/audit" when isPost => TakeAsync(context, CompleteAsync),
            "/v1/decide" or "/v1/mirror" or "/v1/audit" =>
                RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "method", $"{request.Method} is not understood here; use POST"),
            _ => HttpAnswers.SendHealth(context, path, missingAgents)
                ?? RefuseAsync(context, StatusCodes.Status404NotFound, "unknown-path", "no such endpoint; ask /v1/decide"),
        };
    }

    private async Task TakeAsync(IFeatureCollection features, Func<IFeatureCollection, ReceivedDecideRequest, bool, Task> answer)
    {
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var asFrame = request.Headers.ContentType.ToString().StartsWith(FrameType, StringComparison.OrdinalIgnoreCase);
        ReceivedDecideRequest? received = null;
        try
        {
            if (Interlocked.Increment(ref _questions) > options.MaxQuestions)
            {
                throw new DecideRequestException(DecideRequestError.Overloaded(
                    $"{options.MaxQuestions} questions are under way, as many as may be", StatusCodes.Status429TooManyRequests));
            }

            received = await ReceiveAsync(features, asFrame).ConfigureAwait(false);
            await answer(features, received, asFrame).ConfigureAwait(false);
        }
        catch (DecideRequestException e)
        {
            decider.Exchanges.Account(LedgerState.Refused, e.Error.Cause);
            Tell(e.Error);
            await SendAsync(features, Answer.Of(e.Error), asFrame, closes: received is null).ConfigureAwait(false);
        }
        catch (Exception e) when (received is null && e is IOException or OperationCanceledException or BadHttpRequestException)
        {
            // Nobody is there any more who could be answered.
            decider.Exchanges.Account(LedgerState.Abandoned, Cause.ClientGone);
            if (e is BadHttpRequestException)
            {
                // Or somebody whose chunks are none; the server knows what to say.
                throw;
            }
        }
        finally
        {
            received?.Dispose();
            Interlocked.Decrement(ref _questions);
        }
    }

    private async ValueTask<ReceivedDecideRequest> ReceiveAsync(IFeatureCollection features, bool asFrame)
    {
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var input = features.Get<IRequestBodyPipeFeature>()?.Reader ?? System.IO.Pipelines.PipeReader.Create(request.Body);
        var gone = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        if (!asFrame)
        {
            return await _source.ReceiveJsonAsync(input, request.Headers.ContentLength, gone).ConfigureAwait(false);
        }

        var received = await _source.ReceiveFrameAsync(input, gone).ConfigureAwait(false);
        if (request.Headers.ContentLength is { } length
            && length != (2L * sizeof(uint)) + received.Text.Length + received.Body.GetValueOrDefault().Length)
        {
            received.Dispose();
            throw DecideRequestException.Malformed($"the frame is shorter than the request's {length} bytes; one question is one frame");
        }

        return received;
    }

    private async Task DecideAsync(IFeatureCollection features, ReceivedDecideRequest received, bool asFrame)
    {
        var others = decider.ForOthers(received, asFrame ? JsonRelay.Form.AnswersFrame : JsonRelay.Form.Json);
        var question = Read(features, received);
        var gone = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        using var answer = await decider.DecideAsync(question, received.Arrived, gone, others).ConfigureAwait(false);
        if (answer.Error is { } error)
        {
            Tell(error);
        }

        await SendAsync(features, answer, asFrame, options.MaxRefusalBytes).ConfigureAwait(false);
        if (answer.HasDefaultPage)
        {
            answer.Exchange?.NoteUnapplied("reply-body");
        }
    }

    private Task MirrorAsync(IFeatureCollection features, ReceivedDecideRequest received, bool asFrame)
    {
        var question = Read(features, received);
        mirror.Take(received.Move(), question);
        return HttpAnswers.SendEmptyAsync(features, StatusCodes.Status202Accepted);
    }

    private async Task CompleteAsync(IFeatureCollection features, ReceivedDecideRequest received, bool asFrame)
    {
        var others = decider.ForOthers(received, JsonRelay.Form.Completes);
        var (tx, facts) = DecideRequestReader.ReadEnd(received.Text.Span);
        await decider.CompleteAsync(tx, facts, others).ConfigureAwait(false);
        await HttpAnswers.SendEmptyAsync(features, StatusCodes.Status204NoContent).ConfigureAwait(false);
    }

    private DecideRequest Read(IFeatureCollection features, ReceivedDecideRequest received)
    {
        var trace = features.GetRequiredFeature<IHttpRequestFeature>().Headers.TraceParent;
        return received.Read(options) with { Traceparent = trace.Count == 1 ? trace[0] : null };
    }

    // Closes a connection that is of no more use, because its request was not read to the end.
    private static Task SendAsync(
        IFeatureCollection features, Answer answer, bool asFrame, int maxRefusal = int.MaxValue, bool closes = false)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        AnswerWriter.WriteWithin(output, answer, asFrame, maxRefusal);
        if (closes)
        {
            features.GetRequiredFeature<IHttpResponseFeature>().Headers.Connection = "close";
        }

        return HttpAnswers.SendAsync(features, answer.Status, asFrame ? FrameType : "application/json", output.WrittenMemory);
    }

    private Task RefuseAsync(IFeatureCollection features, int status, string code, string message)
    {
        var error = new DecideRequestError(status, code, message);
        Tell(error);
        return SendAsync(features, Answer.Of(error), asFrame: false, closes: true);
    }

    private void Tell(DecideRequestError error)
    {
        if (_throttle.MayLog(error.Code, out var leftOut))
        {
            Log.Wrong(logger, options.Name, error.Message, leftOut);
        }
    }
}
