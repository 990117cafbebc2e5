using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>One piece on its way through the stages of a flow.</summary>
internal sealed class BodyPush(VerdictMerger merger)
{
    /// <summary>Collects what the agents say about this piece.</summary>
    public VerdictMerger Merger => merger;

    /// <summary>All bytes of the piece as the front end handed them in.</summary>
    public required ReadOnlyMemory<byte> Whole { get; init; }

    /// <summary>When the phase's time is up.</summary>
    public required long Deadline { get; init; }

    /// <summary>Whether the proxy handed over only the beginning of the body, and this is its last piece.</summary>
    public bool IsTruncated { get; init; }

    /// <summary>Whether the proxy hands over nothing of the body, so that there is nothing that an agent could judge.</summary>
    public bool IsUnseen { get; init; }

    /// <summary>Size of the whole body as the proxy announced it; null when unknown or when an agent has changed what it speaks of.</summary>
    public long? Total { get; set; }

    /// <summary>Whether an agent has changed bytes, in this push.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>An agent has changed bytes: what the proxy announced no longer tells later agents anything.</summary>
    public void NoteChange() => (HasChanged, Total) = (true, null);
}
