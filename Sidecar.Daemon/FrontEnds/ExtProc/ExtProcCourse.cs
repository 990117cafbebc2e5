using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>The course of one exchange: its two directions, each in its lane, and its account.</summary>
internal sealed class ExtProcCourse : IDisposable
{
    private readonly ExtProcExchange _shared;
    private readonly ExtProcAnswers _answers;
    private readonly Inspector _inspector;
    private readonly Action<ExtProcEnd> _end;
    private readonly ExtProcDirection[] _halves;
    private readonly ExtProcLane[] _lanes;
    private LocalReply? _localReply;
    private bool _hasBody;
    private bool _hasResponse;
    private bool _isUpstreams;
    private Cause _goneFor = Cause.ClientGone;

    /// <summary>A course that begins.</summary>
    /// <param name="shared">The exchange.</param>
    /// <param name="answers">The way out.</param>
    /// <param name="inspector">Ends the exchange.</param>
    /// <param name="end">Ends the stream.</param>
    public ExtProcCourse(ExtProcExchange shared, ExtProcAnswers answers, Inspector inspector, Action<ExtProcEnd> end)
    {
        (_shared, _answers, _inspector, _end) = (shared, answers, inspector, end);
        _halves = [new ExtProcDirection(shared, Direction.Request, inspector.Time), new ExtProcDirection(shared, Direction.Response, inspector.Time)];
        _lanes = [
            new ExtProcLane((message, arrived) => TakeAsync(_halves[0], message, arrived)),
            new ExtProcLane((message, arrived) => TakeAsync(_halves[1], message, arrived))];
    }

    /// <summary>Ends when all messages that came are dealt with.</summary>
    public Task IdleAsync() => Task.WhenAll(_lanes[0].Idle, _lanes[1].Idle);

    /// <summary>A message has come.</summary>
    /// <returns>When the next may be handed in.</returns>
    public async ValueTask AddAsync(ProcessingRequest message, long arrived)
    {
        var part = message.RequestCase;
        _hasBody |= part is Part.RequestBody or Part.RequestTrailers;
        if (part == Part.ResponseHeaders)
        {
            _hasResponse = true;
            var origin = ResponseOrigins.Of(message.Attributes);
            _isUpstreams = origin != ResponseOrigin.Envoy;
            _shared.Filter.NoteResponse();
            if (!_shared.IsObserving && await RefusesAsync(message.ResponseHeaders, origin).ConfigureAwait(false))
            {
                return;
            }
        }

        if (_localReply is { } reply && ExtProcOrder.DirectionOf(part) == Direction.Response)
        {
            try
            {
                await reply.TryPassAsync(message).ConfigureAwait(false);
            }
            catch (ExtProcOutputException e)
            {
                _end(new ExtProcEnd(ExtProcProblem.Gone, e.Message));
            }

            return;
        }

        await _lanes[(int)ExtProcOrder.DirectionOf(part)].AddAsync(message, arrived).ConfigureAwait(false);
        if (part == Part.ResponseHeaders && _shared.RequestHeaders.MayLeaveHttp && _shared.Modes.Of(Direction.Request) == BodySendMode.FullDuplexStreamed)
        {
            // What a client said before it was told that the connection leaves HTTP may be held as a body, and the upstream may wait for it.
            await _lanes[1].Idle.ConfigureAwait(false);
            if (_shared.HasSwitched)
            {
                await _lanes[0].AddAsync(new ProcessingRequest { RequestBody = new HttpBody() }, arrived).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Refuses what goes on, though no agent said so; calls under way are cancelled.</summary>
    /// <param name="cause">Why.</param>
    /// <param name="wrong">What is wrong with what came, where that is the cause.</param>
    public async ValueTask RefuseAsync(Cause cause, ExtProcEnd? wrong = null)
    {
        var end = wrong ?? ExtProcEnd.Done;
        try
        {
            await _shared.RefuseAsync(cause, direction: _hasResponse ? Direction.Response : Direction.Request).ConfigureAwait(false);
        }
        catch (ExtProcOutputException e)
        {
            end = new ExtProcEnd(ExtProcProblem.Gone, e.Message);
        }

        if (_shared.Exchange.IsBusy)
        {
            _shared.Exchange.Abandon(cause, CancelReason.Manual);
        }

        _end(end);
    }

    /// <summary>Nobody waits any more. What ended as it should is not held against the exchange.</summary>
    public void Abandon(Cause cause)
    {
        // Envoy may have read the last answer and reset the stream before we have noticed that it is written: what counts is whether agents still judge.
        _goneFor = cause;
        if (_shared.Exchange.IsBusy)
        {
            _shared.Exchange.Abandon(isStopping: cause == Cause.Shutdown);
        }
    }

    /// <summary>Says nothing more, and closes the account. Once.</summary>
    public void End(ExtProcEnd end)
    {
        var isDecided = _shared.IsOver || end.IsBroken;
        _answers.Close();
        var exchange = _shared.Exchange;
        if (!isDecided)
        {
            NoteUnseen(exchange);
            EnvoyEdits.TryMiss(_shared.TakeResponseEdits(), Direction.Response, headers: null, exchange);
        }

        var cause = exchange.Account().Cause;
        _inspector.End(exchange, new RequestCompleteEvent
        {
            Status = _shared.Status,
            DurationMs = (ulong)_inspector.Time.GetElapsedTime(exchange.Started).TotalMilliseconds,
            RequestBodySize = (ulong)_halves[0].Received,
            ResponseBodySize = (ulong)_halves[1].Received,
            Error = cause == Cause.None ? null : cause.Label(),
        });
    }

    public void Dispose() => _answers.Dispose();

    // What the response's headers tell about the request. True when nothing may go on.
    private async ValueTask<bool> RefusesAsync(HttpHeaders response, ResponseOrigin origin)
    {
        var request = _halves[0];
        if (request.Answer is null && _lanes[0].IsBusy)
        {
            // Envoy answers the client itself while we still ask about the request: it gave up on that, and its answer is none that agents wait for.
            // Its calls are cancelled, so this wait is short.
            request.GiveUp();
            _shared.Exchange.Abandon(Cause.Superseded, CancelReason.Manual);
            await _lanes[0].Idle.ConfigureAwait(false);
            _localReply = new LocalReply(_answers, _shared.Modes.Of(Direction.Response));
            return false;
        }

        if (_hasBody || !request.IsOpen || !request.IsWanted)
        {
            return false;
        }

        // Where Envoy does not say whose answer it is, these two are what it gives to a body that does not come or does not fit.
        if (!_isUpstreams || (origin == ResponseOrigin.Untold && EnvoyHeaders.Read(response.Headers, _shared.Options).Status is 408 or 413))
        {
            _isUpstreams = false;
            request.GiveUp();
            _shared.Exchange.Note(LedgerState.Abandoned, Cause.Superseded);
            return false;
        }

        // An upstream may answer before it has got anything of a streamed body.
        var isCertain = _shared.Modes.Of(Direction.Request) != BodySendMode.Streamed;
        if (!_shared.Modes.IsAskedFor(Direction.Request) || (!isCertain && _shared.Filter.IsHeard))
        {
            return false;
        }

        _shared.Filter.NoteUnheard(isCertain);
        _shared.Exchange.Note(LedgerState.Bypassed, Cause.UnheardOverride);
        await RefuseAsync(Cause.UnheardOverride).ConfigureAwait(false);
        return true;
    }

    // What agents wanted and never came: without a response the client is gone; with one, the upstream may have had the request.
    private void NoteUnseen(Exchange exchange)
    {
        foreach (var half in _halves.Where(static half => half is { IsOpen: true, IsWanted: true }))
        {
            if (half.Direction == Direction.Request && _isUpstreams)
            {
                exchange.Note(half.Received == 0 ? LedgerState.Bypassed : LedgerState.Partly, Cause.Truncated);
            }
            else if (half is { Direction: Direction.Response, Received: 0 } && _shared.Modes.IsAskedFor(Direction.Response) && !_shared.Filter.IsHeard
                && !exchange.IsBusy)
            {
                _shared.Filter.NoteUnheard(isCertain: false);
                exchange.Note(LedgerState.Bypassed, Cause.UnheardOverride);
            }
            else
            {
                exchange.Note(LedgerState.Abandoned, _goneFor);
            }
        }

        if (!_hasResponse && _halves[0].Answer is { IsSent: true }
            && exchange.Wants(EventKind.ResponseHeaders))
        {
            exchange.MissResponse(_goneFor == Cause.Shutdown ? Cause.Shutdown : Cause.NoResponse);
            _shared.Filter.NoteNoResponse();
        }
    }

    private async Task TakeAsync(ExtProcDirection half, ProcessingRequest message, long arrived)
    {
        if (_shared.IsOver || half.IsGivenUp)
        {
            return;
        }

        try
        {
            switch (await half.TakeAsync(message, arrived).ConfigureAwait(false))
            {
                case null:
                    break;
                case { IsBroken: true } wrong:
                    await RefuseAsync(Cause.BrokenFilter, wrong).ConfigureAwait(false);
                    break;
                case var end:
                    _end(end);
                    break;
            }
        }
        catch (ExtProcOutputException)
        {
            Abandon(Cause.ClientGone);
            _end(new ExtProcEnd(ExtProcProblem.Gone, "an answer could not be written"));
        }
        catch (Exception e)
        {
            EnvoyLog.StreamFailed(_shared.Filter.Logger, _shared.Options.Name, _shared.Exchange.Id.ToString(), e);
            await RefuseAsync(Cause.Internal, new ExtProcEnd(ExtProcProblem.Internal, "a defect of the sidecar")).ConfigureAwait(false);
        }
    }
}
