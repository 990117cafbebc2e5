using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>The encoded form of a piece, kept for the agents behind the first that are shown the same. For one push at a time.</summary>
/// <param name="memory">The budget of all agents; where it has no room, each agent's event is encoded anew.</param>
internal sealed class SharedFrames(ByteBudget memory)
{
    private readonly EventFrames _frames = new();
    private Place _place;
    private long _reserved;

    /// <summary>Where an event is encoded; null for nowhere but its connection.</summary>
    /// <param name="message">The event.</param>
    /// <param name="mayShare">Whether no agent has changed the body so far: then what stands at the same place is the same.</param>
    /// <param name="isLast">Whether no agent comes after this one.</param>
    public EventFrames? For(BodyChunkEvent message, bool mayShare, bool isLast)
    {
        var place = new Place(message.BytesTransferred, message.Data.Length, message.ChunkIndex, message.IsLast, message.TotalSize);
        if (mayShare && _reserved > 0 && place == _place)
        {
            return _frames;
        }

        // Text takes a third more than the bytes, and a buffer is up to twice what lies in it.
        Clear();
        var size = (2L * message.Data.Length) + 4096;
        if (!mayShare || isLast || !memory.TryReserve(size))
        {
            return null;
        }

        (_place, _reserved) = (place, size);
        return _frames;
    }

    /// <summary>Gives back what was kept.</summary>
    public void Clear()
    {
        if (_reserved > 0)
        {
            _frames.Clear();
            memory.Return(_reserved);
            _reserved = 0;
        }
    }

    private readonly record struct Place(ulong Transferred, int Length, uint Index, bool IsLast, ulong? Total);
}
