using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>The course of one exchange: its two directions, each in its lane, and its account.</summary>
internal sealed class ExtProcCourse : IDisposable
{
    private readonly ExtProcExchange _shared;
    private readonly ExtProcAnswers _answers;
    private readonly Inspector _inspector;
    private readonly Action<ExtProcEnd> _end;
    private readonly ILogger _logger;
    private readonly ExtProcHalf[] _halves;
    private readonly ExtProcLane[] _lanes;
    private bool _hasResponse;

    /// <summary>A course that begins.</summary>
    /// <param name="shared">The exchange.</param>
    /// <param name="answers">The way out.</param>
    /// <param name="inspector">Ends the exchange.</param>
    /// <param name="end">Ends the stream.</param>
    /// <param name="logger">For defects of ours.</param>
    public ExtProcCourse(ExtProcExchange shared, ExtProcAnswers answers, Inspector inspector, Action<ExtProcEnd> end, ILogger logger)
    {
        (_shared, _answers, _inspector, _end, _logger) = (shared, answers, inspector, end, logger);
        _halves = [new ExtProcHalf(shared, Direction.Request, inspector.Time), new ExtProcHalf(shared, Direction.Response, inspector.Time)];
        _lanes = [new ExtProcLane((message, arrived) => TakeAsync(_halves[0], message, arrived)), new ExtProcLane((message, arrived) => TakeAsync(_halves[1], message, arrived))];
    }

    /// <summary>Whether a message is not dealt with yet.</summary>
    public bool IsBusy => _lanes[0].IsBusy || _lanes[1].IsBusy;

    /// <summary>Ends when all messages that came are dealt with.</summary>
    public Task IdleAsync() => Task.WhenAll(_lanes[0].Idle, _lanes[1].Idle);

    /// <summary>A message has come.</summary>
    /// <returns>When the next may be handed in.</returns>
    public async ValueTask AddAsync(ProcessingRequest message, long arrived)
    {
        var part = message.RequestCase;
        _hasResponse |= part == Part.ResponseHeaders;
        if (part == Part.ResponseHeaders && _halves[0].Answer is null && _lanes[0].IsBusy && !_shared.IsObserving)
        {
            // Envoy answers the client itself while we still ask about the request: it gave up on that.
            // Its calls are cancelled, so this wait is short; then nothing is left to answer.
            _shared.Exchange.Abandon(Cause.Superseded, CancelReason.Manual);
            await _lanes[0].Idle.ConfigureAwait(false);
        }

        await _lanes[(int)ExtProcOrder.DirectionOf(part)].AddAsync(message, arrived).ConfigureAwait(false);
    }

    /// <summary>Refuses what goes on, though no agent said so; calls under way are cancelled.</summary>
    public async ValueTask RefuseAsync(Cause cause)
    {
        ExtProcEnd? end;
        try
        {
            end = await _shared.RefuseAsync(cause).ConfigureAwait(false);
        }
        catch (ExtProcOutputException e)
        {
            end = new ExtProcEnd(ExtProcProblem.Gone, e.Message);
        }

        if (IsBusy)
        {
            _shared.Exchange.Abandon(cause, CancelReason.Manual);
        }

        _end(end ?? ExtProcEnd.Done);
    }

    /// <summary>Nobody waits any more. What ended as it should is not held against the exchange.</summary>
    public void Abandon(Cause cause)
    {
        if (IsBusy || _halves.Any(static half => half.IsOpen && half.IsWanted))
        {
            _shared.Exchange.Abandon(cause, cause == Cause.Shutdown ? CancelReason.ProxyShutdown : CancelReason.ClientDisconnect);
        }
    }

    /// <summary>Says nothing more, and closes the account. Once.</summary>
    public void End(ExtProcEnd end)
    {
        var isDecided = _shared.IsOver;
        _answers.Close();
        var exchange = _shared.Exchange;
        if (end.Problem is not (ExtProcProblem.None or ExtProcProblem.Gone))
        {
            exchange.Note(LedgerState.Refused, end.Problem == ExtProcProblem.Internal ? Cause.Internal : Cause.Malformed);
            if (IsBusy)
            {
                exchange.Abandon(Cause.Malformed, CancelReason.Manual);
            }
        }
        else if (end.Problem == ExtProcProblem.None && !isDecided)
        {
            NoteUnseen(exchange);
            _shared.Edits.TryMiss(_shared.TakeResponseEdits(), Direction.Response, headers: null, exchange.Route);
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

    /// <inheritdoc/>
    public void Dispose() => _answers.Dispose();

    // Bodies that agents wanted and whose end never came: without a response the client is gone; with one, the upstream may have had them.
    private void NoteUnseen(Exchange exchange)
    {
        foreach (var half in _halves.Where(static half => half is { IsOpen: true, IsWanted: true }))
        {
            if (half.Direction == Direction.Response || !_hasResponse)
            {
                exchange.Note(LedgerState.Abandoned, Cause.ClientGone);
            }
            else
            {
                exchange.Note(half.Received == 0 ? LedgerState.Bypassed : LedgerState.Partly, Cause.Truncated);
            }
        }
    }

    private async Task TakeAsync(ExtProcHalf half, ProcessingRequest message, long arrived)
    {
        if (_shared.IsOver)
        {
            return;
        }

        try
        {
            if (await half.TakeAsync(message, arrived).ConfigureAwait(false) is { } end)
            {
                _end(end);
            }
        }
        catch (ExtProcOutputException)
        {
            Abandon(Cause.ClientGone);
            _end(new ExtProcEnd(ExtProcProblem.Gone, "an answer could not be written"));
        }
        catch (Exception e)
        {
            Log.StreamFailed(_logger, _shared.Options.Name, _shared.Exchange.Id.ToString(), e);
            _end(new ExtProcEnd(ExtProcProblem.Internal, "a defect of the sidecar"));
        }
    }
}
