using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// One ext_proc stream, and so one exchange, as a state machine: messages in, answers out (proxy integration §3.4–3.5). It knows nothing of gRPC.
/// </summary>
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
/// <para>
/// What a broken filter sends, and a defect of ours, is answered by a refusal too, never by an error of the stream: that would let the request pass
/// where the filter fails open. A stream that begins with a response is Envoy's own reply to a request that we were not asked about.
/// </para>
/// <para>A filter with <c>disable_immediate_response</c> makes an error of every one of them, which cannot be seen from here. Neither can a WebSocket's
/// frames.</para>
/// </remarks>
internal sealed class ExtProcStream : IAsyncDisposable
{
    private readonly Inspector _inspector;
    private readonly ExtProcFilter _filter;
    private readonly IExtProcOutput _output;
    private readonly ExtProcOrder _order = new();
    private readonly TaskCompletionSource<ExtProcEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private volatile ExtProcCourse? _course;
    private LocalReply? _localReply;

    /// <summary>A stream that has just been opened.</summary>
    public ExtProcStream(Inspector inspector, ExtProcFilter filter, IExtProcOutput output)
    {
        (_inspector, _filter, _output) = (inspector, filter, output);
    }

    /// <summary>Ends when nothing will be answered any more, with how to end our side. Until then our side stays open.</summary>
    public Task<ExtProcEnd> Ended => _ended.Task;

    private EnvoyFilterOptions Options => _filter.Options;

    /// <summary>A message has come. Returns when the next may be handed in, which is often before it is answered; after the end it does nothing.</summary>
    public async ValueTask OnMessageAsync(ProcessingRequest message)
    {
        if (_ended.Task.IsCompleted)
        {
            return;
        }

        var arrived = _inspector.Time.GetTimestamp();
        if (_localReply is not null || (_course is null && message.ResponseHeaders is not null))
        {
            await PassAsync(message).ConfigureAwait(false);
        }
        else if (_order.Next(message) is { } wrong)
        {
            await RefuseAsync(Cause.BrokenFilter, wrong).ConfigureAwait(false);
        }
        else if (_course is { } course)
        {
            await course.AddAsync(message, arrived).ConfigureAwait(false);
        }
        else
        {
            await BeginAsync(message, arrived).ConfigureAwait(false);
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

    /// <summary>
    /// What comes next cannot be taken. The client gets a refusal: an error would let the request pass where the filter's failure mode allows it.
    /// </summary>
    /// <param name="cause">Why.</param>
    /// <param name="wrong">What is wrong with what came; null when its size is, or there is no memory for it.</param>
    public async ValueTask RefuseAsync(Cause cause, ExtProcEnd? wrong = null)
    {
        if (_ended.Task.IsCompleted)
        {
            return;
        }

        if (_course is { } course)
        {
            await course.RefuseAsync(cause, wrong).ConfigureAwait(false);
            return;
        }

        // It reached us, so it is accounted, though nobody knows what it was.
        _inspector.Account(Options.Name, LedgerState.Refused, cause);
        await ReplyAsync(cause, wrong).ConfigureAwait(false);
    }

    /// <summary>Nobody is there to read answers any more: calls under way are cancelled. So every stream of Envoy ends, also one that is done.</summary>
    /// <param name="cause">Client gone when Envoy reset the stream; shutdown when we stop.</param>
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

    // The filter never asked about the request. Where that went upstream all the same, nobody has seen it.
    private async ValueTask PassAsync(ProcessingRequest message)
    {
        if (_localReply is null)
        {
            if (ResponseOrigins.Of(message.Attributes) is not ResponseOrigin.Envoy and var origin)
            {
                var hasPassed = origin == ResponseOrigin.Upstream;
                _inspector.Account(Options.Name, hasPassed ? LedgerState.Bypassed : LedgerState.Refused, Cause.BrokenFilter);
                await ReplyAsync(Cause.BrokenFilter, ExtProcEnd.Spurious(hasPassed
                    ? "a response came, and its request went upstream unasked; the filter's request_header_mode must be SEND"
                    : "a response came before its request; the filter's response_attributes must have response.code_details, so that Envoy's own replies are known")).ConfigureAwait(false);
                return;
            }

            _inspector.Account(Options.Name, LedgerState.NotSubject, Cause.LocalReply);
            _localReply = new LocalReply(
                new ExtProcAnswers(_output, message.ObservabilityMode), message.ProtocolConfig?.ResponseBodyMode ?? Options.ResponseBodyMode);
        }

        try
        {
            if (!await _localReply.TryPassAsync(message).ConfigureAwait(false))
            {
                await ReplyAsync(Cause.BrokenFilter, ExtProcEnd.Spurious($"{message.RequestCase} came in Envoy's own reply")).ConfigureAwait(false);
            }
        }
        catch (ExtProcOutputException e)
        {
            End(new ExtProcEnd(ExtProcProblem.Gone, e.Message));
        }
    }

    // Where there is no exchange.
    private async ValueTask ReplyAsync(Cause cause, ExtProcEnd? wrong)
    {
        var end = wrong ?? ExtProcEnd.Done;
        try
        {
            await _output.WriteAsync(
                new ProcessingResponse { ImmediateResponse = ImmediateResponses.From(Verdict.Refused(cause), isGrpc: null) }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever broke below, there is nobody to tell.
            end = new ExtProcEnd(ExtProcProblem.Gone, e.Message);
        }

        End(end);
    }

    // The first message: whose request it is.
    private async ValueTask BeginAsync(ProcessingRequest message, long arrived)
    {
        var headers = EnvoyHeaders.Read(message.RequestHeaders.Headers, Options);
        var modes = new BodyModes(message.ProtocolConfig, _filter, message.ObservabilityMode);
        if (headers.Method is null || headers.Target is null)
        {
            var missing = headers.Method is null ? ":method" : ":path";
            await RefuseAsync(Cause.BrokenFilter, new ExtProcEnd(ExtProcProblem.BadHeaders, $"the request's headers have no {missing}; the filter's forward_rules must let it through")).ConfigureAwait(false);
            return;
        }

        if (modes.Problem is { } problem)
        {
            await RefuseAsync(Cause.BrokenFilter, problem).ConfigureAwait(false);
            return;
        }

        lock (_lock)
        {
            _course = _ended.Task.IsCompleted ? null : CourseOf(message, headers, modes);
        }

        if (_course is { } course)
        {
            await course.AddAsync(message, arrived).ConfigureAwait(false);
        }
    }

    private ExtProcCourse CourseOf(ProcessingRequest message, EnvoyHeaders headers, BodyModes modes)
    {
        var exchange = _inspector.BeginOn(Options.Name, new ExtProcAttributes(message.Attributes).Route, headers.Authority, headers.Target, headers.Method)
            ?? _inspector.Begin(Options.Name, headers.Authority, headers.Target!, headers.Method!);
        var answers = new ExtProcAnswers(_output, message.ObservabilityMode);
        var shared = new ExtProcExchange(_inspector, _filter, exchange, answers)
        {
            Modes = modes,
            IsObserving = message.ObservabilityMode,
            RequestHeaders = headers,
        };
        return new ExtProcCourse(shared, answers, _inspector, End);
    }

    private void End(ExtProcEnd end)
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
            {
                return;
            }

            if (end.IsBroken)
            {
                _filter.Warn(end.Detail);
            }

            _course?.End(end);
            _ended.TrySetResult(end);
        }
    }
}
