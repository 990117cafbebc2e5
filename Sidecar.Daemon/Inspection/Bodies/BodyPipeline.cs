using System.Runtime.CompilerServices;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// The body of one direction of an exchange on its way through the agents: a loop over stages in route order, each of which sees what the
/// one before released.
/// </summary>
/// <remarks>
/// Pieces are taken one at a time in the order they are pushed; one that comes while another is on its way waits for it. Over all steps the
/// released bytes are those the agents let pass, in order and once; after a verdict other than allow nothing is released.
/// </remarks>
internal sealed class BodyPipeline : IDisposable
{
    private readonly Exchange _exchange;
    private readonly BodyServices _services;
    private readonly bool _isCopy;
    private readonly BodyStage[] _stages;

    // The first is what the front end hands in, the last what goes on; between them what passes from stage to stage.
    private readonly SegmentQueue[] _queues;
    private readonly BodyPush _push;
    private readonly SharedFrames? _frames;
    private readonly SessionGate _gate = new();
    private BodyProgress _progress = new(0, 0, IsPristine: true, IsHolding: false, WantsMore: true);
    private long? _announced;
    private volatile Verdict? _final;
    private volatile bool _isOpen;
    private volatile bool _awaitsMore;
    private bool _ended;

    /// <summary>A pipeline for one direction.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="direction">Which body.</param>
    /// <param name="participants">The agents in route order.</param>
    /// <param name="services">What it needs of the daemon.</param>
    /// <param name="isCopy">Whether the bytes are copies that go nowhere and count for nothing.</param>
    public BodyPipeline(
        Exchange exchange, Direction direction, ReadOnlySpan<Participant> participants, BodyServices services, bool isCopy = false)
    {
        (_exchange, _services, _isCopy) = (exchange, services, isCopy);
        _push = new BodyPush(new VerdictMerger(exchange, KindOf(direction), direction));
        _stages = new BodyStage[participants.Length];
        _queues = new SegmentQueue[participants.Length + 1];
        _queues[0] = new SegmentQueue();
        _frames = participants.Length > 1 ? new SharedFrames(services.Memory) : null;
        for (var i = 0; i < participants.Length; i++)
        {
            // Copies must not take the memory that exchanges wait for.
            var memory = isCopy ? (null, services.Copies) : (participants[i].Session.Agent.BodyMemory, services.Memory);
            _queues[i + 1] = new SegmentQueue();
            _stages[i] = new BodyStage(exchange, participants[i], i, direction, memory, _queues[i], _queues[i + 1]);
        }
    }

    /// <summary>The agents' places, in route order.</summary>
    public IReadOnlyList<BodyStage> Stages => _stages;

    /// <summary>Whether some of the body has come and not its end, and no verdict has ended it.</summary>
    public bool IsOpen => _isOpen;

    /// <summary>Whether, when the last piece was answered, an agent had yet to judge some of what had come.</summary>
    public bool AwaitsMore => _isOpen && _awaitsMore;

    private bool IsPristine => _progress.IsPristine && !_push.HasChanged;

    /// <summary>Which event a piece of this direction's body is.</summary>
    public static EventKind KindOf(Direction direction) =>
        direction == Direction.Request ? EventKind.RequestBodyChunk : EventKind.ResponseBodyChunk;

    /// <summary>Hands in the next piece and waits for the agents.</summary>
    /// <param name="piece">
    /// The piece; a body ends with exactly one that is last, truncated or unseen, and what comes after it is refused.
    /// </param>
    /// <param name="deadline">When the phase's time is up, a timestamp.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<BodyStep> PushAsync(BodyPiece piece, long deadline)
    {
        var time = _services.Time;
        if (!_gate.TryEnter() && !await _gate.EnterAsync(time.GetElapsedTime(time.GetTimestamp(), deadline), time))
        {
            // Out of turn it cannot be taken, and without it the body has a hole.
            return Refuse(Cause.Timeout);
        }

        try
        {
            if (_final is { } final)
            {
                return BodyStep.Refused(final);
            }

            if (_ended)
            {
                return Refuse(Cause.Malformed);
            }

            Begin(piece, deadline);
            while (NextStage() is { } stage)
            {
                var need = stage.Step(_push);
                if (need == StageNeed.Memory)
                {
                    _frames?.Clear();
                    need = stage.Reserved(_push, await stage.ReserveAsync(_push));
                }

                if (need == StageNeed.Answer)
                {
                    var frames = _frames?.For(stage.Event, mayShare: IsPristine, isLast: stage == _stages[^1]);
                    stage.Answer(_push, await stage.Participant.Session.AskAsync(stage.Event, deadline, frames));
                }
            }

            var step = End();
            _push.End();
            return step;
        }
        catch
        {
            // Nobody knows how far the piece has come, so none may follow it.
            _final = Verdict.Refused(Cause.Internal);
            throw;
        }
        finally
        {
            _frames?.Clear();
            _gate.Exit();
        }
    }

    /// <summary>Gives back everything that is held. Not while a piece is on its way.</summary>
    public void Dispose()
    {
        foreach (var stage in _stages)
        {
            stage.Dispose();
        }

        _queues[^1].Dispose();
    }

    private void Begin(in BodyPiece piece, long deadline)
    {
        var pushed = _progress.Pushed + piece.Bytes.Length;
        _announced = piece.Total ?? _announced;

        // A body that is larger than it was said to be has no known size.
        var total = _announced >= pushed ? _announced : null;
        var isCut = piece.End is BodyEnd.Truncated or BodyEnd.Unseen || (piece.End == BodyEnd.Last && total > pushed);
        _push.Begin(piece, deadline, isCut, _progress.IsPristine ? total : null);
        _ended = piece.End != BodyEnd.More;
        _queues[0].Add(BodySegment.OfPush(piece.Bytes, 0, _ended));
    }

    // The last that has something to do: what one has passed on is taken to its end before that one goes on. None when a decision has ended
    // the body.
    private BodyStage? NextStage()
    {
        for (var i = _stages.Length - 1; i >= 0 && !_push.Merger.Ends; i--)
        {
            if (_stages[i].IsBusy)
            {
                return _stages[i];
            }
        }

        return null;
    }

    private BodyStep End()
    {
        _services.Errors.Write(_push.Merger);
        var verdict = _push.Merger.ToVerdict();
        _progress = _progress with { Pushed = _progress.Pushed + _push.Whole.Length, IsPristine = IsPristine };
        _isOpen = !_ended && verdict.IsAllow;
        if (!verdict.IsAllow)
        {
            _final = verdict;
            foreach (var stage in _stages)
            {
                stage.Skip();
            }

            Dispose();
            return BodyStep.Refused(verdict);
        }

        _awaitsMore = Array.Exists(_stages, static stage => stage.AwaitsMore);
        var (owner, isOfPush) = (default(IDisposable), false);
        var released = _isCopy ? default : _queues[^1].TakeAll(_push.Whole, out owner, out isOfPush);
        _progress = _progress with
        {
            Released = _progress.Released + (_isCopy ? _queues[^1].Drop() : released.Length),
            IsHolding = Array.Exists(_stages, static stage => stage.IsHolding),
            WantsMore = !_ended && Array.Exists(_stages, static stage => !stage.Passes),
        };
        return new BodyStep(verdict, released, owner, isOfPush && released.Length == _push.Whole.Length, _progress);
    }

    private BodyStep Refuse(Cause cause)
    {
        if (!_isCopy)
        {
            _exchange.Note(LedgerState.Refused, cause);
        }

        _final = Verdict.Refused(cause);
        _isOpen = false;
        return BodyStep.Refused(_final);
    }
}

/// <summary>What all pipelines share.</summary>
/// <param name="Memory">The budget of the bytes that the daemon may hold.</param>
/// <param name="Copies">The budget of the bytes that may be held for agents that only watch.</param>
/// <param name="Errors">Where wrong answers are logged.</param>
/// <param name="Time">The clock of the deadlines.</param>
internal sealed record BodyServices(ByteBudget Memory, ByteBudget Copies, AnswerErrorLog Errors, TimeProvider Time);
