using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Messages;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// One ext_proc stream, and so one exchange, as a state machine: messages in, answers out (proxy integration §3.4–3.5). It knows nothing of
/// gRPC.
/// </summary>
/// <remarks>
/// <para>
/// Whoever speaks gRPC hands in messages as they come, says when Envoy half-closed or is gone, and reads no more when <see cref="End"/> is
/// there. Messages and the half-close come from one reader; that the peer is gone may be said by anybody at any time. Answers come from any
/// thread, one at a time. The exchange begins with the first message and ends, accounted, exactly once.
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
/// What a broken filter sends, and a defect of ours, is answered by a refusal too, never by an error of the stream: that would let the
/// request pass where the filter fails open. A stream that begins with a response is Envoy's own reply to a request that we were not asked
/// about.
/// </para>
/// <para>A filter with <c>disable_immediate_response</c> makes an error of every one of them, which cannot be seen from here. Neither can a
/// WebSocket's frames.</para>
/// </remarks>
internal sealed class ExtProcStream : IAsyncDisposable
{
    private readonly IGrpcServerCall _call;
    private readonly Lock _lock = new();
    private ExtProcOrder _order;
    private volatile ExtProcExchange? _exchange;
    private volatile ExtProcEnd? _end;
    private bool _isLocalReply;
    private BodySendMode? _localReplyMode;

    /// <summary>A stream that has just been opened.</summary>
    /// <param name="inspector">Asks the agents.</param>
    /// <param name="filter">The filter that asks.</param>
    /// <param name="call">Its gRPC call. It reads no more once the stream has ended.</param>
    public ExtProcStream(Inspector inspector, ExtProcFilter filter, IGrpcServerCall call)
    {
        (Inspector, Filter, _call) = (inspector, filter, call);
        Writer = new ExtProcWriter(this, call, inspector.Time);
    }

    /// <summary>Asks the agents.</summary>
    public Inspector Inspector { get; }

    /// <summary>The filter that asks.</summary>
    public ExtProcFilter Filter { get; }

    /// <summary>The way out.</summary>
    public ExtProcWriter Writer { get; }

    /// <summary>How our side ends, because nothing will be answered any more; null until then.</summary>
    public ExtProcEnd? End => _end;

    private EnvoyFilterOptions Options => Filter.Options;

    /// <summary>
    /// A message has come. Returns when the next may be handed in, which is often before it is answered; after the end it does nothing.
    /// </summary>
    public ValueTask OnMessageAsync(ProcessingRequest message)
    {
        if (_end is not null)
        {
            return default;
        }

        var arrived = Inspector.Time.GetTimestamp();
        var exchange = _exchange;
        return exchange is null && (_isLocalReply || message.ResponseHeaders is not null) ? PassUnaskedAsync(message)
            : _order.Next(message) is { } wrong ? RefuseAsync(Cause.BrokenFilter, wrong)
            : exchange is null ? BeginAsync(message, arrived)
            : AddAsync(exchange, message, arrived);
    }

    /// <summary>Envoy sends nothing more. What it still waits for is answered, then the stream ends.</summary>
    public async ValueTask OnHalfClosedAsync()
    {
        await IdleAsync().ConfigureAwait(false);
        EndWith(ExtProcEnd.Done);
    }

    /// <summary>Ends when everything that came is dealt with. Not while a message is being handed in.</summary>
    public async ValueTask IdleAsync()
    {
        if (_exchange is { } exchange)
        {
            await exchange.Request.Idle.ConfigureAwait(false);
            await exchange.Response.Idle.ConfigureAwait(false);
        }
    }

    /// <summary>
    /// What came, or comes next, cannot be taken; calls under way are cancelled. The client gets a refusal: an error would let the request
    /// pass where the filter's failure mode allows it.
    /// </summary>
    /// <param name="cause">Why.</param>
    /// <param name="wrong">What is wrong with what came; null when its size is, or there is no memory for it.</param>
    public async ValueTask RefuseAsync(Cause cause, ExtProcEnd? wrong = null)
    {
        if (_end is not null)
        {
            return;
        }

        if (_exchange is not { } exchange)
        {
            // It reached us, so it is accounted, though nobody knows what it was.
            Inspector.Account(Options.Name, LedgerState.Refused, cause);
            await ReplyAsync(cause, wrong).ConfigureAwait(false);
            return;
        }

        await exchange.RefuseAsync(
            cause, direction: exchange.Origin is null ? Direction.Request : Direction.Response).ConfigureAwait(false);
        if (exchange.Exchange.IsBusy)
        {
            exchange.Exchange.Abandon(cause, CancelReason.Manual);
        }

        EndWith(wrong ?? ExtProcEnd.Done);
    }

    /// <summary>
    /// Nobody is there to read answers any more: calls under way are cancelled. So every stream of Envoy ends, also one that is done; what
    /// ended as it should is not held against the exchange.
    /// </summary>
    /// <param name="cause">Client gone when Envoy reset the stream; shutdown when we stop.</param>
    public void OnGone(Cause cause = Cause.ClientGone)
    {
        if (_end is not null)
        {
            return;
        }

        // Envoy may have read the last answer and reset the stream before we have noticed that it is written: what counts is whether agents
        // still judge.
        if (_exchange is { Exchange: { IsBusy: true } busy })
        {
            busy.Abandon(isStopping: cause == Cause.Shutdown);
        }

        EndWith(ExtProcEnd.Gone, cause);
    }

    /// <summary>Nothing more is answered: closes the account and ends the reading, unless that has been done.</summary>
    /// <param name="end">How our side ends.</param>
    /// <param name="goneFor">Why whoever waits no more does not.</param>
    public void EndWith(ExtProcEnd end, Cause goneFor = Cause.ClientGone)
    {
        lock (_lock)
        {
            if (_end is not null)
            {
                return;
            }

            if (end.IsBroken)
            {
                Filter.Warn(end.Detail);
            }

            _exchange?.End(end, goneFor);
            _end = end;
        }

        _call.EndReads();
    }

    /// <summary>Ends the stream if nothing else has, and waits for what is under way.</summary>
    public ValueTask DisposeAsync()
    {
        OnGone();
        return IdleAsync();
    }

    // The first message: whose request it is.
    private ValueTask BeginAsync(ProcessingRequest message, long arrived)
    {
        var headers = EnvoyHeaders.Read(message.RequestHeaders.Headers, Options);
        var modes = new BodyModes(message.ProtocolConfig, Filter, message.ObservabilityMode);
        var missing = headers.Method is null ? ":method" : headers.Target is null ? ":path" : null;
        var problem = missing is null ? modes.Problem
            : new ExtProcEnd($"the request's headers have no {missing}; the filter's forward_rules must let it through");
        if (problem is not null)
        {
            return RefuseAsync(Cause.BrokenFilter, problem);
        }

        lock (_lock)
        {
            if (_end is null)
            {
                Writer.IsSilent = message.ObservabilityMode;
                var route = new ExtProcAttributes(message.Attributes).Route;
                var exchange = Inspector.BeginOn(Options.Name, route, headers.Authority, headers.Target, headers.Method)
                    ?? Inspector.Begin(Options.Name, headers.Authority, headers.Target!, headers.Method!);
                _exchange = new ExtProcExchange(this, exchange, headers, modes);
            }
        }

        return _exchange is { } begun ? begun.Request.AddAsync(message, arrived) : default;
    }

    private async ValueTask AddAsync(ExtProcExchange exchange, ProcessingRequest message, long arrived)
    {
        var part = message.RequestCase;
        if (part == Part.ResponseHeaders && await exchange.IsUnseenAtAsync(message).ConfigureAwait(false))
        {
            await RefuseAsync(Cause.UnheardOverride).ConfigureAwait(false);
            return;
        }

        exchange.HasBody |= part is Part.RequestBody or Part.RequestTrailers;
        if (ExtProcOrder.DirectionOf(part) == Direction.Request)
        {
            await exchange.Request.AddAsync(message, arrived).ConfigureAwait(false);
            return;
        }

        if (exchange.HasLocalReply)
        {
            await Writer.WriteAsync(LocalReply.AnswerTo(message, exchange.Modes.Of(Direction.Response))!).ConfigureAwait(false);
            return;
        }

        await exchange.Response.AddAsync(message, arrived).ConfigureAwait(false);
        if (part == Part.ResponseHeaders && exchange.RequestHeaders.MayLeaveHttp
            && exchange.Modes.Of(Direction.Request) == BodySendMode.FullDuplexStreamed)
        {
            // What a client said before it was told that the connection leaves HTTP may be held as a body, and the upstream may wait for
            // it.
            await exchange.Response.Idle.ConfigureAwait(false);
            if (exchange.HasSwitched)
            {
                await exchange.Request.AddAsync(new ProcessingRequest { RequestBody = new HttpBody() }, arrived).ConfigureAwait(false);
            }
        }
    }

    // The filter never asked about the request. Where that went upstream all the same, nobody has seen it.
    private async ValueTask PassUnaskedAsync(ProcessingRequest message)
    {
        if (!_isLocalReply)
        {
            if (LocalReply.WrongIn(message, Inspector, Options.Name) is { } wrong)
            {
                await ReplyAsync(Cause.BrokenFilter, wrong).ConfigureAwait(false);
                return;
            }

            Writer.IsSilent = message.ObservabilityMode;
            (_isLocalReply, _localReplyMode) = (true, message.ProtocolConfig?.ResponseBodyMode ?? Options.ResponseBodyMode);
        }

        if (LocalReply.AnswerTo(message, _localReplyMode) is { } answer)
        {
            await Writer.WriteAsync(answer).ConfigureAwait(false);
        }
        else
        {
            await ReplyAsync(
                Cause.BrokenFilter, new ExtProcEnd($"{message.RequestCase} came in Envoy's own reply")).ConfigureAwait(false);
        }
    }

    // Where there is no exchange.
    private async ValueTask ReplyAsync(Cause cause, ExtProcEnd? wrong)
    {
        var reply = new ProcessingResponse { ImmediateResponse = ImmediateResponses.From(Verdict.Refused(cause), isGrpc: null) };
        await Writer.WriteAsync(reply, isLast: true).ConfigureAwait(false);
        EndWith(wrong ?? ExtProcEnd.Done);
    }
}
