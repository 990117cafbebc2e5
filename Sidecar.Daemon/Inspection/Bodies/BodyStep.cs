using System.Buffers;
using System.Runtime.InteropServices;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>What came of one piece of a body: a verdict, and the bytes that may go on now. Disposed of by the front end when it has used the bytes.</summary>
/// <remarks>
/// With a verdict that is not allow nothing is released, now or later. Bytes pushed and not released are held; they come with a later step, the
/// last one at the latest. Over all steps every byte comes once and in order, as the agents left it.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
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
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BodyProgress(long Pushed, long Released, bool IsPristine, bool IsHolding, bool WantsMore);
