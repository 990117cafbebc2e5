using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// What the two directions of an ext_proc stream share: the exchange, what was decided in one for the other, and the ways to ask and to answer. Safe from any
/// thread.
/// </summary>
internal sealed class ExtProcExchange(Inspector inspector, ExtProcFilter filter, Exchange exchange, ExtProcAnswers answers)
{
    private readonly Lock _lock = new();
    private IReadOnlyList<HeaderEdit> _responseEdits = [];
    private bool _responseHeadersPassed;
    private volatile bool _isDecided;
    private volatile bool _hasSwitched;

    /// <summary>The exchange.</summary>
    public Exchange Exchange => exchange;

    /// <summary>The filter.</summary>
    public ExtProcFilter Filter => filter;

    /// <summary>What the operator says of it.</summary>
    public EnvoyFilterOptions Options => filter.Options;

    /// <summary>How bodies come.</summary>
    public required BodyModes Modes { get; init; }

    /// <summary>Whether Envoy reads no answers: agents are asked, and what they say is only recorded.</summary>
    public required bool IsObserving { get; init; }

    /// <summary>The request's headers.</summary>
    public required EnvoyHeaders RequestHeaders { get; init; }

    /// <summary>How long agents may take.</summary>
    public MessageTimeout Patience { get; } = new(filter.Options, inspector.Time, answers);

    /// <summary>The status the client gets; 0 while nobody knows.</summary>
    public ushort Status { get; set; }

    /// <summary>Whether the connection has left HTTP: what follows are no bodies any more.</summary>
    public bool HasSwitched
    {
        get => _hasSwitched;
        set => _hasSwitched = value;
    }

    /// <summary>Whether an agent judges the beginning of a body that is too large for it.</summary>
    public bool TakesBeginnings => exchange.TakesBeginnings;

    /// <summary>Whether nothing is asked any more: it ended, or, where Envoy only observes, a verdict was recorded.</summary>
    public bool IsOver => _isDecided || answers.IsClosed;

    /// <summary>Whether edits wait for the response's headers.</summary>
    public bool HasResponseEdits
    {
        get
        {
            lock (_lock)
            {
                return _responseEdits.Count > 0;
            }
        }
    }

    /// <summary>Asks the agents about anything but a body.</summary>
    public ValueTask<Verdict> InspectAsync(AgentEvent message, long arrived, bool mayExtend) =>
        Patience.AwaitAsync(inspector.InspectAsync(exchange, message, Patience.DeadlineOf(arrived, mayExtend)), arrived, mayExtend);

    /// <summary>Asks the agents about a piece of a body.</summary>
    public ValueTask<BodyStep> PushAsync(Direction direction, BodyPiece piece, long arrived, bool mayExtend) =>
        Patience.AwaitAsync(inspector.PushAsync(exchange, direction, piece, Patience.DeadlineOf(arrived, mayExtend)), arrived, mayExtend);

    /// <summary>Answers a message.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="verdict">What the agents said about the message, for the record.</param>
    public ValueTask SendAsync(ProcessingResponse answer, Verdict verdict)
    {
        answer.DynamicMetadata = VerdictMetadata.Of(exchange, verdict, isFirst: answer.RequestHeaders is not null);
        return answers.WriteAsync(answer);
    }

    /// <summary>The verdict lets nothing pass: ends everything with the reply.</summary>
    /// <returns>How the stream ends; null where Envoy only observes, and the exchange passed all the same.</returns>
    public async ValueTask<ExtProcEnd?> RefuseAsync(Verdict verdict)
    {
        if (IsObserving)
        {
            _isDecided = true;
            if (verdict.Kind == VerdictKind.FailedClosed)
            {
                exchange.Note(LedgerState.Bypassed, verdict.Cause);
            }

            return null;
        }

        var answer = new ProcessingResponse
        {
            ImmediateResponse = ImmediateResponses.From(verdict, RequestHeaders.IsGrpc),
            DynamicMetadata = VerdictMetadata.Of(exchange, verdict, isFirst: false),
        };
        Status = (ushort)answer.ImmediateResponse.Status.Code;
        await answers.WriteAsync(answer, isLast: true).ConfigureAwait(false);
        return ExtProcEnd.Done;
    }

    /// <summary>We ourselves refuse, for a reason that no agent gave.</summary>
    public ValueTask<ExtProcEnd?> RefuseAsync(Cause cause, IReadOnlyList<AgentAudit>? audits = null, Direction direction = Direction.Request)
    {
        exchange.Note(LedgerState.Refused, cause);
        return RefuseAsync(new Verdict { Kind = VerdictKind.FailedClosed, Cause = cause, Direction = direction, Audits = audits ?? [] });
    }

    /// <summary>Keeps edits of the response's headers until those come; notes them when they are gone.</summary>
    public void KeepForResponse(IReadOnlyList<HeaderEdit> edits)
    {
        if (edits.Count == 0 || IsObserving)
        {
            return;
        }

        lock (_lock)
        {
            if (!_responseHeadersPassed)
            {
                _responseEdits = HeaderEdits.Join(_responseEdits, edits);
                return;
            }
        }

        EnvoyEdits.TryMiss(edits, Direction.Response, headers: null, exchange);
    }

    /// <summary>The kept edits; later ones come too late.</summary>
    public IReadOnlyList<HeaderEdit> TakeResponseEdits()
    {
        lock (_lock)
        {
            var edits = _responseEdits;
            (_responseEdits, _responseHeadersPassed) = ([], true);
            return edits;
        }
    }
}
