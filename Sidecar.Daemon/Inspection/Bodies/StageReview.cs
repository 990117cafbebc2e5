using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// Shows runs of bytes to one agent, in pieces it takes, and does with them what it says (spec §5.4): holds, drops, replaces, passes on.
/// For one push at a time.
/// </summary>
/// <remarks>
/// Pieces in a row that pass as they are go on as one run, and pieces that the agent wants held are not copied before all of the run has
/// been asked about.
/// </remarks>
internal sealed class StageReview(
    Exchange exchange, Participant participant, int order, Direction direction, StageHold hold, SegmentQueue next) : IDisposable
{
    // One for all pieces: the next is asked about when this one has been answered, and after one that has not been none is.
    private readonly BodyChunkEvent _event = direction == Direction.Request
        ? new RequestBodyChunkEvent { CorrelationId = exchange.Id }
        : new ResponseBodyChunkEvent { CorrelationId = exchange.Id };

    private BodySegment _run;
    private bool _closes;
    private bool _isOver;
    private long? _total;

    // What lies before from has gone on or is held, from there to judged it may go on, and from there to asked it is to be held. The piece
    // begins at begin.
    private int _from;
    private int _judged;
    private int _begin;
    private int _asked;

    private uint _pieces;
    private bool _allProvisional = true;

    /// <summary>The piece to be asked about.</summary>
    public BodyChunkEvent Event => _event;

    /// <summary>Bytes the agent has answered about.</summary>
    public long Seen { get; private set; }

    /// <summary>Takes a run over, and prepares its first piece.</summary>
    /// <param name="run">The bytes; none ask about an empty piece.</param>
    /// <param name="closes">Whether these are the last that the agent will be shown.</param>
    /// <param name="total">Size of the whole body, when known.</param>
    public void Begin(BodySegment run, bool closes, long? total)
    {
        (_run, _closes, _total, _isOver) = (run, closes, total, false);
        _from = _judged = _asked = 0;
        Prepare();
    }

    /// <summary>Goes on with the run after an answer.</summary>
    /// <returns>Whether there is another piece to be asked about; when not, what is left of the run has gone on or is held.</returns>
    public bool TryGoOn()
    {
        var length = _run.Bytes.Length;
        if (_asked < length)
        {
            Prepare();
            return true;
        }

        next.Pass(_run.Slice(_from, _judged - _from, _run.IsLast && _judged == length && !_isOver));
        hold.Borrow(_run.Slice(_judged, length - _judged, isLast: false));
        _event.Data = default;
        Dispose();
        return false;
    }

    /// <summary>Takes what came of the piece; it is noted in the push's verdict.</summary>
    /// <returns>
    /// False when the agent could not be heard; where its failure mode lets them, the bytes have gone on, and it must see no more.
    /// </returns>
    public bool Answer(BodyPush push, in AgentReply reply)
    {
        if (push.Merger.Add(participant, order, _event, reply) is not { } response)
        {
            if (!push.Merger.Ends)
            {
                hold.Release();
                next.Pass(_run.Slice(_from, _run.Bytes.Length - _from, _run.IsLast));
                Dispose();
            }

            return false;
        }

        Seen += _event.Data.Length;
        if (!push.Merger.Ends)
        {
            Apply(push, response);
        }

        return true;
    }

    /// <summary>Gives the run back.</summary>
    public void Dispose()
    {
        _run.Dispose();
        _run = default;
    }

    private void Prepare()
    {
        var most = (int)Math.Min(participant.Session.MaxEventBytes, int.MaxValue);
        var size = Math.Min(most, _run.Bytes.Length - _asked);
        (_begin, _asked) = (_asked, _asked + size);
        _event.Data = _run.Bytes.Slice(_begin, size);
        _event.IsLast = _closes && _asked == _run.Bytes.Length;
        _event.TotalSize = (ulong?)_total;
        _event.ChunkIndex = _pieces++;
        _event.BytesTransferred += (ulong)size;
    }

    private void Apply(BodyPush push, AgentResponse response)
    {
        var isFinal = !VerdictMerger.IsProvisional(_event, response);
        var replacement = ReplacementIn(push, response, out var isWhole);
        _allProvisional &= !isFinal;
        if (isWhole)
        {
            hold.Drop();
            _from = _begin;
        }

        if (isFinal)
        {
            hold.Release();
        }

        if (replacement is not { } bytes)
        {
            _judged = isFinal ? _asked : _judged;
            return;
        }

        var passes = isFinal ? _begin : _judged;
        next.Pass(_run.Slice(_from, passes - _from, isLast: false));
        hold.Borrow(_run.Slice(passes, _begin - passes, isLast: false));
        _isOver = _run.IsLast && _asked == _run.Bytes.Length;
        if (isFinal)
        {
            next.Pass(BodySegment.OfAnswer(bytes, _isOver));
        }
        else
        {
            hold.Borrow(BodySegment.OfAnswer(bytes, isLast: false));
        }

        _from = _judged = _asked;
    }

    // Bytes that take the place of the piece, empty to drop it, or of everything that is held as well; null to pass it.
    private ReadOnlyMemory<byte>? ReplacementIn(BodyPush push, AgentResponse response, out bool isWhole)
    {
        isWhole = false;
        var (mutation, stray) = direction == Direction.Request
            ? (response.RequestBodyMutation, response.ResponseBodyMutation)
            : (response.ResponseBodyMutation, response.RequestBodyMutation);
        if (stray is { Data: not null })
        {
            var half = direction == Direction.Request ? "request" : "response";
            push.Merger.NoteError(
                participant, $"it changes the body of the other direction in its answer to piece {_event.ChunkIndex} of the {half}");
        }

        if (mutation is not { Data: { } data, ChunkIndex: var about })
        {
            return null;
        }

        // Agents that collect the body answer once, for all of it, with the index their builder begins with.
        isWhole = about == 0 && _event is { IsLast: true, ChunkIndex: > 0 } && _allProvisional;
        if (about != _event.ChunkIndex && !isWhole)
        {
            push.Merger.NoteError(participant, $"it changes piece {about} of the body in its answer to piece {_event.ChunkIndex}");
            return null;
        }

        push.NoteChange();
        return data;
    }
}
