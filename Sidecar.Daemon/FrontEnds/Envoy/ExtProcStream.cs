using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>One ext_proc stream, and so one exchange, as a state machine: messages in, answers out (proxy integration §3.4–3.5). It knows nothing of gRPC.</summary>
/// <remarks>
/// <para>
/// Whoever speaks gRPC hands in messages as they come, says when Envoy half-closed or is gone, and ends its side when <see cref="Ended"/> does.
/// Messages and the half-close come from one reader; that the peer is gone may be said by anybody at any time. Answers come from any thread, one
/// at a time. The exchange begins with the first message and ends, accounted, exactly once.
/// </para>
/// <para>What a verdict other than allow can still do, by the message it is about. It is always answered with an immediate response:</para>
/// <code>
/// message           mode               what Envoy makes of the immediate response
/// request headers   any                the reply instead of the upstream's
/// request body      BUFFERED, PARTIAL  the reply; nothing has gone upstream
/// request body      FULL_DUPLEX        the reply; nothing has gone upstream where an agent decides about the whole body
/// request body      STREAMED           the upstream's request is reset; the reply, unless the response has begun
/// request trailers  any                as the body of that mode; after a body of NONE or BUFFERED the reply
/// response headers  any                the reply instead of the upstream's
/// response body     BUFFERED, PARTIAL  the reply; nothing has gone to the client
/// response body     FULL_DUPLEX        the reply where an agent decides about the whole body, else the response is cut
/// response body     STREAMED           the response is cut: its headers are out
/// response trailers any                as the body of that mode
/// </code>
/// <para>A filter with <c>disable_immediate_response</c> makes an error of every one of them, which cannot be seen from here. Neither can a WebSocket's frames.</para>
/// </remarks>
internal sealed class ExtProcStream : IAsyncDisposable
{
    private readonly Inspector _inspector;
    private readonly ExtProcOptions _options;
    private readonly SidecarMetrics _metrics;
    private readonly IExtProcOutput _output;
    private readonly ILogger _logger;
    private readonly ExtProcOrder _order = new();
    private readonly TaskCompletionSource<ExtProcEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private volatile ExtProcCourse? _course;

    /// <summary>A stream that has just been opened.</summary>
    public ExtProcStream(Inspector inspector, ExtProcOptions options, SidecarMetrics metrics, IExtProcOutput output, ILogger logger)
    {
        (_inspector, _options, _metrics, _output, _logger) = (inspector, options, metrics, output, logger);
    }

    /// <summary>Ends when nothing will be answered any more, with how to end our side. Until then our side stays open.</summary>
    public Task<ExtProcEnd> Ended => _ended.Task;

    /// <summary>Whether nothing that came is still to be answered.</summary>
    public bool IsIdle => _course is not { IsBusy: true };

    /// <summary>A message has come. Returns when the next may be handed in, which is often before it is answered; after the end it does nothing.</summary>
    public async ValueTask OnMessageAsync(ProcessingRequest message)
    {
        if (_ended.Task.IsCompleted)
        {
            return;
        }

        var arrived = _inspector.Time.GetTimestamp();
        if (_order.Next(message) is { } wrong)
        {
            End(wrong);
            return;
        }

        if ((_course ?? Begin(message)) is { } course)
        {
            await course.AddAsync(message, arrived).ConfigureAwait(false);
        }
    }

    /// <summary>Envoy sends nothing more. What it still waits for is answered, then the stream ends.</summary>
    public async ValueTask OnHalfClosedAsync()
    {
        if (_course is { } course)
        {
            await course.IdleAsync().ConfigureAwait(false);
        }

        End(ExtProcEnd.Done);
    }

    /// <summary>Ends when everything that came is dealt with. Not while a message is being handed in.</summary>
    public Task IdleAsync() => _course?.IdleAsync() ?? Task.CompletedTask;

    /// <summary>What comes next cannot be taken. The client gets a refusal: an error would let the request pass where the filter's failure mode allows it.</summary>
    /// <param name="cause">Too large, or no memory for it.</param>
    public async ValueTask RefuseAsync(Cause cause)
    {
        if (_ended.Task.IsCompleted)
        {
            return;
        }

        if (_course is { } course)
        {
            await course.RefuseAsync(cause).ConfigureAwait(false);
            return;
        }

        _inspector.Account(_options.Name, LedgerState.Refused, cause);
        var end = ExtProcEnd.Done;
        try
        {
            await _output.WriteAsync(new ProcessingResponse { ImmediateResponse = ImmediateResponses.From(Verdict.Refused(cause)) }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever broke below, there is nobody to tell.
            end = new ExtProcEnd(ExtProcProblem.Gone, e.Message);
        }

        End(end);
    }

    /// <summary>What came is no message at all: the stream ends with an error.</summary>
    public void Fail(string detail) => End(new ExtProcEnd(ExtProcProblem.UnknownMessage, detail));

    /// <summary>Nobody is there to read answers any more: calls under way are cancelled.</summary>
    /// <param name="cause">Client gone when Envoy reset the stream, which is how it ends when the client goes; shutdown when we stop.</param>
    public void OnGone(Cause cause = Cause.ClientGone)
    {
        if (_ended.Task.IsCompleted)
        {
            return;
        }

        _course?.Abandon(cause);
        End(new ExtProcEnd(ExtProcProblem.Gone, "the stream was reset"));
    }

    /// <summary>Ends the stream if nothing else has, and waits for what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        OnGone();
        if (_course is { } course)
        {
            await course.IdleAsync().ConfigureAwait(false);
            course.Dispose();
        }
    }

    // The first message: whose request it is. Null when the stream has ended or ends with it.
    private ExtProcCourse? Begin(ProcessingRequest message)
    {
        var headers = ExtProcHeaders.Read(message.RequestHeaders.Headers, _options);
        var modes = new BodyModes(message.ProtocolConfig, _options, message.ObservabilityMode);
        if (headers.Method is null || headers.Target is null)
        {
            End(new ExtProcEnd(ExtProcProblem.BadHeaders, $"the request's headers have no {(headers.Method is null ? ":method" : ":path")}; the filter must forward it"));
            return null;
        }

        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
            {
                return null;
            }

            _course = CourseOf(message, headers, modes);
        }

        if (modes.Problem is { } problem)
        {
            End(problem);
            return null;
        }

        return _course;
    }

    private ExtProcCourse CourseOf(ProcessingRequest message, ExtProcHeaders headers, BodyModes modes)
    {
        var exchange = _inspector.BeginOn(_options.Name, new ExtProcAttributes(message.Attributes).Route)
            ?? _inspector.Begin(_options.Name, headers.Authority, headers.Target!, headers.Method!);
        var answers = new ExtProcAnswers(_output, message.ObservabilityMode);
        var shared = new ExtProcExchange(_inspector, _options, _metrics, exchange, answers)
        {
            Modes = modes,
            IsObserving = message.ObservabilityMode,
            RequestHeaders = headers,
        };
        return new ExtProcCourse(shared, answers, _inspector, End, _logger);
    }

    private void End(ExtProcEnd end)
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
            {
                return;
            }

            if (end.Problem is not (ExtProcProblem.None or ExtProcProblem.Gone or ExtProcProblem.Internal))
            {
                Log.BadStream(_logger, _options.Name, end.Problem, end.Detail);
            }

            if (_course is { } course)
            {
                course.End(end);
            }
            else if (end.Problem is not (ExtProcProblem.None or ExtProcProblem.Gone))
            {
                // It reached us, so it is accounted, though nobody knows what it was.
                _inspector.Account(_options.Name, LedgerState.Refused, Cause.Malformed);
            }

            _ended.TrySetResult(end);
        }
    }
}
