using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// What the two directions of an ext_proc stream share: the exchange, what was decided in one for the other, and the ways to ask and to
/// answer. Safe from any thread.
/// </summary>
internal sealed class ExtProcExchange
{
    private readonly Lock _lock = new();
    private volatile IReadOnlyList<HeaderEdit> _responseEdits = [];
    private bool _responseHeadersPassed;
    private volatile bool _isDecided;

    /// <summary>An exchange that begins.</summary>
    /// <param name="stream">The stream it comes on.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="headers">The request's headers.</param>
    /// <param name="modes">How bodies come.</param>
    public ExtProcExchange(ExtProcStream stream, Exchange exchange, EnvoyHeaders headers, BodyModes modes)
    {
        (Stream, Exchange, RequestHeaders, Modes) = (stream, exchange, headers, modes);
        Request = new ExtProcDirection(this, Direction.Request);
        Response = new ExtProcDirection(this, Direction.Response);
    }

    public ExtProcStream Stream { get; }

    public Exchange Exchange { get; }

    public ExtProcFilter Filter => Stream.Filter;

    /// <summary>What the operator says of it.</summary>
    public EnvoyFilterOptions Options => Filter.Options;

    /// <summary>How bodies come.</summary>
    public BodyModes Modes { get; }

    /// <summary>Whether Envoy reads no answers: agents are asked, and what they say is only recorded.</summary>
    public bool IsObserving => Stream.Writer.IsSilent;

    /// <summary>The request's headers.</summary>
    public EnvoyHeaders RequestHeaders { get; }

    public ExtProcDirection Request { get; }

    public ExtProcDirection Response { get; }

    /// <summary>The status the client gets; 0 while nobody knows.</summary>
    public ushort Status { get; set; }

    /// <summary>Whether anything of the request came behind its headers. For the stream's reader.</summary>
    public bool HasBody { get; set; }

    /// <summary>Who made the response; null while it has not come. For the stream's reader and the end.</summary>
    public ResponseOrigin? Origin { get; set; }

    /// <summary>Whether Envoy answers the client itself, so that no agent is asked about the response. For the stream's reader.</summary>
    public bool HasLocalReply { get; private set; }

    /// <summary>Whether the connection has left HTTP: what follows are no bodies any more.</summary>
    public bool HasSwitched { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }



    /// <summary>Whether nothing is asked any more: it ended, or, where Envoy only observes, a verdict was recorded.</summary>
    public bool IsOver => _isDecided || Stream.Writer.IsClosed;

    /// <summary>Whether edits wait for the response's headers.</summary>
    public bool HasResponseEdits => _responseEdits.Count > 0;

    private Inspector Inspector => Stream.Inspector;

    private MessageTimeout Timeout => new(Options, Inspector.Time, Stream.Writer);

    /// <summary>Asks the agents about anything but a body.</summary>
    public ValueTask<Verdict> InspectAsync(AgentEvent message, long arrived, bool mayExtend) =>
        Timeout.AwaitAsync(Inspector.InspectAsync(Exchange, message, Timeout.DeadlineOf(arrived, mayExtend)), arrived, mayExtend);

    /// <summary>Asks the agents about a piece of a body.</summary>
    public ValueTask<BodyStep> PushAsync(Direction direction, BodyPiece piece, long arrived, bool mayExtend) =>
        Timeout.AwaitAsync(Inspector.PushAsync(Exchange, direction, piece, Timeout.DeadlineOf(arrived, mayExtend)), arrived, mayExtend);

    /// <summary>Answers a message.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="verdict">What the agents said about the message, for the record.</param>
    public ValueTask SendAsync(ProcessingResponse answer, Verdict verdict)
    {
        answer.DynamicMetadata = VerdictMetadata.Of(Exchange, verdict, isFirst: answer.RequestHeaders is not null);
        return Stream.Writer.WriteAsync(answer);
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
                Exchange.Note(LedgerState.Bypassed, verdict.Cause);
            }

            return null;
        }

        var answer = new ProcessingResponse
        {
            ImmediateResponse = ImmediateResponses.From(verdict, RequestHeaders.IsGrpc),
            DynamicMetadata = VerdictMetadata.Of(Exchange, verdict, isFirst: false),
        };
        Status = (ushort)answer.ImmediateResponse.Status.Code;
        await Stream.Writer.WriteAsync(answer, isLast: true).ConfigureAwait(false);
        return ExtProcEnd.Done;
    }

    /// <summary>We ourselves refuse, for a reason that no agent gave.</summary>
    public ValueTask<ExtProcEnd?> RefuseAsync(
        Cause cause, IReadOnlyList<AgentAudit>? audits = null, Direction direction = Direction.Request)
    {
        Exchange.Note(LedgerState.Refused, cause);
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

        EnvoyEdits.TryCarry(edits, Direction.Response, headers: null, Exchange, mutation: null);
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

    /// <summary>The response's headers have come, and tell something about the request, too.</summary>
    /// <returns>Whether agents wanted a body of it that has passed unseen, so that nothing may go on.</returns>
    public async ValueTask<bool> IsUnseenAtAsync(ProcessingRequest response)
    {
        Origin = new ExtProcAttributes(response.Attributes).Origin;
        Filter.NoteResponse();
        if (IsObserving)
        {
            return false;
        }

        if (Request.Answer is not null || !Request.IsBusy)
        {
            return UnseenBodies.AreRefused(this, response.ResponseHeaders);
        }

        // Envoy answers the client itself while we still ask about the request: it gave up on that, and its answer is none that agents wait
        // for. Its calls are cancelled, so this wait is short.
        Request.GiveUp();
        Exchange.Abandon(Cause.Superseded, CancelReason.Manual);
        await Request.Idle.ConfigureAwait(false);
        HasLocalReply = true;
        return false;
    }

    /// <summary>Says nothing more, and closes the account. Once.</summary>
    /// <param name="end">How the stream ends.</param>
    /// <param name="goneFor">Why whoever waits no more does not: the client is gone, or we stop.</param>
    public void End(ExtProcEnd end, Cause goneFor)
    {
        var isDecided = _isDecided || Stream.Writer.IsDecided || end.IsBroken;
        Stream.Writer.Close();
        if (!isDecided)
        {
            UnseenBodies.Note(this, goneFor);
            EnvoyEdits.TryCarry(TakeResponseEdits(), Direction.Response, headers: null, Exchange, mutation: null);
        }

        var cause = Exchange.Account().Cause;
        Inspector.End(Exchange, new RequestCompleteEvent
        {
            Status = Status,
            DurationMs = (ulong)Inspector.Time.GetElapsedTime(Exchange.Started).TotalMilliseconds,
            RequestBodySize = (ulong)Request.Received,
            ResponseBodySize = (ulong)Response.Received,
            Error = cause == Cause.None ? null : cause.Label(),
        });
    }
}
