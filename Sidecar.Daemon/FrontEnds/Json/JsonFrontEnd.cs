using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>The application of a listener for scripts (proxy integration §6): <c>/v1/decide</c>, <c>/v1/mirror</c>, <c>/v1/audit</c>, and whether we are well.</summary>
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
    JsonListenerOptions options, Decider decider, Mirror mirror, Func<IReadOnlyList<string>> missingAgents, ILogger<JsonFrontEnd> logger)
    : IHttpApplication<IFeatureCollection>
{
    private readonly QuestionSource _source = new(options, decider.BodyMemory, decider.Time);
    private readonly LogPace _pace = new(decider.Time);
    private int _questions;

    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        Http.NoStore.Mark(context.GetRequiredFeature<IHttpResponseFeature>());
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var target = request.RawTarget.AsSpan();
        var query = target.IndexOf('?');
        var path = query < 0 ? target : target[..query];
        var isPost = request.Method == HttpMethods.Post;
        return path switch
        {
            "/v1/decide" when isPost => TakeAsync(context, DecideAsync),
            "/v1/mirror" when isPost => TakeAsync(context, MirrorAsync),
            "/v1/audit" when isPost => TakeAsync(context, CompleteAsync),
            "/v1/decide" or "/v1/mirror" or "/v1/audit" =>
                RefuseAsync(context, new QuestionError(StatusCodes.Status405MethodNotAllowed, "method", $"{request.Method} is not understood here; use POST")),
            "/healthz" => HttpAnswers.SendAsync(context, StatusCodes.Status200OK, "ok"),
            "/readyz" when missingAgents() is { Count: > 0 } missing =>
                HttpAnswers.SendAsync(context, StatusCodes.Status503ServiceUnavailable, $"no connection to {string.Join(", ", missing)}"),
            "/readyz" => HttpAnswers.SendAsync(context, StatusCodes.Status200OK, "ready"),
            _ => RefuseAsync(context, new QuestionError(StatusCodes.Status404NotFound, "unknown-path", "no such endpoint; ask /v1/decide")),
        };
    }

    private async Task TakeAsync(IFeatureCollection features, Func<IFeatureCollection, ReceivedQuestion, bool, Task> answer)
    {
        var request = features.GetRequiredFeature<IHttpRequestFeature>();
        var asFrame = request.Headers.ContentType.ToString().StartsWith(HttpAnswers.FrameType, StringComparison.OrdinalIgnoreCase);
        ReceivedQuestion? received = null;
        try
        {
            if (Interlocked.Increment(ref _questions) > options.MaxQuestions)
            {
                throw new QuestionException(QuestionError.Overloaded(
                    $"{options.MaxQuestions} questions are under way, as many as may be", StatusCodes.Status429TooManyRequests));
            }

            received = await ReceiveAsync(features, asFrame).ConfigureAwait(false);
            await answer(features, received, asFrame).ConfigureAwait(false);
        }
        catch (QuestionException e)
        {
            decider.Exchanges.Account(LedgerState.Refused, e.Error.Cause);
            Tell(e.Error);
            await HttpAnswers.SendAsync(features, Answer.Of(e.Error), asFrame, closes: received is null).ConfigureAwait(false);
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

    private async ValueTask<ReceivedQuestion> ReceiveAsync(IFeatureCollection features, bool asFrame)
    {
        var input = features.Get<IRequestBodyPipeFeature>()?.Reader ?? System.IO.Pipelines.PipeReader.Create(features.GetRequiredFeature<IHttpRequestFeature>().Body);
        var gone = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        if (!asFrame)
        {
            return await _source.ReceiveJsonAsync(input, features.GetRequiredFeature<IHttpRequestFeature>().Headers.ContentLength, gone).ConfigureAwait(false);
        }

        var received = await _source.ReceiveFrameAsync(input, gone).ConfigureAwait(false);
        if (features.GetRequiredFeature<IHttpRequestFeature>().Headers.ContentLength is { } length
            && length != (2L * sizeof(uint)) + received.Text.Length + received.BodyLength)
        {
            received.Dispose();
            throw new QuestionException(QuestionError.Malformed($"the frame is shorter than the request's {length} bytes; one question is one frame"));
        }

        return received;
    }

    private async Task DecideAsync(IFeatureCollection features, ReceivedQuestion received, bool asFrame)
    {
        var others = decider.ForOthers(received, asFrame ? JsonRelay.Form.AnswersFrame : JsonRelay.Form.Json);
        var question = Read(features, received);
        var gone = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        using var answer = await decider.DecideAsync(question, received.Arrived, gone, others).ConfigureAwait(false);
        if (answer.Error is { } error)
        {
            Tell(error);
        }

        await HttpAnswers.SendAsync(features, answer, asFrame, options.MaxRefusalBytes).ConfigureAwait(false);
        if (answer.HasDefaultPage)
        {
            decider.CountUnapplied("reply-body");
        }
    }

    private Task MirrorAsync(IFeatureCollection features, ReceivedQuestion received, bool asFrame)
    {
        var question = Read(features, received);
        mirror.Take(received.Move(), question);
        return HttpAnswers.SendEmptyAsync(features, StatusCodes.Status202Accepted);
    }

    private async Task CompleteAsync(IFeatureCollection features, ReceivedQuestion received, bool asFrame)
    {
        var others = decider.ForOthers(received, JsonRelay.Form.Completes);
        var (tx, facts) = CompletionReader.Read(received.Text.Span);
        await decider.CompleteAsync(tx, facts, others).ConfigureAwait(false);
        await HttpAnswers.SendEmptyAsync(features, StatusCodes.Status204NoContent).ConfigureAwait(false);
    }

    private Question Read(IFeatureCollection features, ReceivedQuestion received)
    {
        var trace = features.GetRequiredFeature<IHttpRequestFeature>().Headers.TraceParent;
        return received.Read(options) with { Traceparent = trace.Count == 1 ? trace[0] : null };
    }

    private Task RefuseAsync(IFeatureCollection features, QuestionError error)
    {
        Tell(error);
        return HttpAnswers.SendAsync(features, Answer.Of(error), asFrame: false, closes: true);
    }

    private void Tell(QuestionError error)
    {
        if (_pace.MayLog(error.Code, out var leftOut))
        {
            Log.Wrong(logger, options.Name, error.Message, leftOut);
        }
    }
}
