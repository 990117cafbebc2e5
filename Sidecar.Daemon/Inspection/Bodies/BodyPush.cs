using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>One piece on its way through the stages of a pipeline, and then the next: reused, as pieces are taken one at a time.</summary>
internal sealed class BodyPush(VerdictMerger merger)
{
    /// <summary>Collects what the agents say about this piece.</summary>
    public VerdictMerger Merger => merger;

    /// <summary>All bytes of the piece as the front end handed them in.</summary>
    public ReadOnlyMemory<byte> Whole { get; private set; }

    /// <summary>When the phase's time is up.</summary>
    public long Deadline { get; private set; }

    /// <summary>Whether the proxy handed over only the beginning of the body, and this is its last piece.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>Whether the proxy hands over nothing of the body, so that there is nothing that an agent could judge.</summary>
    public bool IsUnseen { get; private set; }

    /// <summary>Size of the whole body as the proxy announced it; null when unknown or when an agent has changed what it speaks of.</summary>
    public long? Total { get; private set; }

    /// <summary>Whether an agent has changed bytes, in this push.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>The next piece.</summary>
    /// <param name="piece">As the front end hands it in.</param>
    /// <param name="deadline">When the phase's time is up.</param>
    /// <param name="isCut">Whether it is the last of a body that goes on.</param>
    /// <param name="total">Size of the whole body, when it is known and true of what the stages see.</param>
    public void Begin(in BodyPiece piece, long deadline, bool isCut, long? total)
    {
        merger.Clear();
        (Whole, Deadline, IsTruncated, IsUnseen, Total, HasChanged) = (piece.Bytes, deadline, isCut, piece.End == BodyEnd.Unseen, total, false);
    }

    /// <summary>The bytes are the front end's again.</summary>
    public void End() => Whole = default;

    /// <summary>An agent has changed bytes: what the proxy announced no longer tells later agents anything.</summary>
    public void NoteChange() => (HasChanged, Total) = (true, null);
}
