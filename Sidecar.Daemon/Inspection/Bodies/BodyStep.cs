using System.Buffers;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// What came of one piece of a body: a verdict, and the bytes that may go on now. Disposed of by the front end when it has used the bytes.
/// </summary>
/// <remarks>
/// With a verdict that is not allow nothing is released, now or later. Bytes pushed and not released are held; they come with a later step,
/// the last one at the latest. Over all steps every byte comes once and in order, as the agents left it.
/// </remarks>
internal readonly struct BodyStep : IDisposable
{
    private readonly IDisposable? _owner;

    internal BodyStep(Verdict verdict, in ReadOnlySequence<byte> release, IDisposable? owner, bool isUnchanged, in BodyProgress progress)
    {
        (Verdict, Release, _owner, IsUnchanged, Progress) = (verdict, release, owner, isUnchanged, progress);
    }

    /// <summary>What the agents say; other than allow ends the direction.</summary>
    public Verdict Verdict { get; }

    /// <summary>The bytes that go on, valid until this is disposed of; empty for none.</summary>
    public ReadOnlySequence<byte> Release { get; }

    /// <summary>Whether they are exactly the bytes that were pushed.</summary>
    public bool IsUnchanged { get; }

    /// <summary>How far the direction is.</summary>
    public BodyProgress Progress { get; }

    /// <summary>A step without a flow: nothing is released.</summary>
    public static BodyStep Refused(Verdict verdict) => new(verdict, default, null, isUnchanged: false, default);

    /// <summary>The bytes that go on in one run, copied where they are in several; valid as long.</summary>
    public ReadOnlyMemory<byte> Joined() => Release.IsSingleSegment ? Release.First : Release.ToArray();

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _owner?.Dispose();
}

/// <summary>How far a direction's body is.</summary>
/// <param name="Pushed">Bytes handed in so far.</param>
/// <param name="Released">Bytes released so far.</param>
/// <param name="IsPristine">Whether what was released is a prefix of what was handed in: no agent has changed anything yet.</param>
/// <param name="IsHolding">Whether bytes are held that are not released yet.</param>
/// <param name="WantsMore">Whether any agent wants to see the rest; when not, it may pass without being handed in.</param>
internal readonly record struct BodyProgress(long Pushed, long Released, bool IsPristine, bool IsHolding, bool WantsMore);

/// <summary>Where a piece stands in its body.</summary>
internal enum BodyEnd
{
    /// <summary>More may follow.</summary>
    More,

    /// <summary>The body ends with this piece, which may be empty.</summary>
    Last,

    /// <summary>No more will come, but the body goes on: the proxy hands over only its beginning. Never mistaken for the end.</summary>
    Truncated,

    /// <summary>There is a body and the proxy hands none of it over, by its configuration: nothing of it came, and nothing will.</summary>
    Unseen,
}

/// <summary>A piece of a body as a front end hands it in.</summary>
/// <param name="Bytes">The bytes; they must stay valid until the step is disposed of.</param>
/// <param name="End">Where it stands.</param>
/// <param name="Total">Size of the whole body in bytes, when the proxy knows it.</param>
internal readonly record struct BodyPiece(ReadOnlyMemory<byte> Bytes, BodyEnd End, long? Total = null);

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

    /// <summary>
    /// Size of the whole body as the proxy announced it; null when unknown or when an agent has changed what it speaks of.
    /// </summary>
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
        (Whole, Deadline, IsTruncated, IsUnseen) = (piece.Bytes, deadline, isCut, piece.End == BodyEnd.Unseen);
        (Total, HasChanged) = (total, false);
    }

    /// <summary>The bytes are the front end's again.</summary>
    public void End() => Whole = default;

    /// <summary>An agent has changed bytes: what the proxy announced no longer tells later agents anything.</summary>
    public void NoteChange() => (HasChanged, Total) = (true, null);
}
