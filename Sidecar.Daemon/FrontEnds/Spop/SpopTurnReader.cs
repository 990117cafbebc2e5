using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Makes turns of messages. Stateless.</summary>
internal static class SpopTurnReader
{
    /// <summary>The turn of a message. Of several the one that we know counts; two would be two questions with one answer.</summary>
    public static SpopTurn Of(in SpopFrame frame, SpopNotify notify, SpopFactsReader reader, int bufferSize)
    {
        var phase = SpopPhase.None;
        SpopFacts? facts = null;
        foreach (var message in notify)
        {
            if (SpopPhases.Of(message.Name) is not SpopPhase.None and var named)
            {
                if (facts is not null)
                {
                    facts.Misconfigured ??= "a NOTIFY has two messages of ours; put one into each spoe-group";
                    break;
                }

                (phase, facts) = (named, reader.Read(message, named, bufferSize));
            }
        }

        return new SpopTurn { StreamId = frame.StreamId, FrameId = frame.FrameId, Phase = phase, Facts = facts ?? new SpopFacts() };
    }

    /// <summary>The turn of a message that was not kept.</summary>
    public static SpopTurn OfLost(in SpopFrame frame, in SpopError error) => new()
    {
        StreamId = frame.StreamId,
        FrameId = frame.FrameId,
        Phase = SpopPhase.None,
        Facts = new SpopFacts(),
        Refused = error.Status switch { SpopStatus.FrameTooBig => Cause.TooLarge, SpopStatus.Timeout => Cause.Timeout, _ => Cause.BodyMemory },
    };
}
