using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Native;

/// <summary>Says in the agent protocol what a flow has released (spec §5.4). For the pieces of one direction, one at a time.</summary>
/// <remarks>
/// While nothing has been released the asker is told to hold what it has, so that it still has the whole body should we be gone. From the first
/// final answer on it cannot be: then a piece that is held here is dropped there, and comes back as the replacement of a later one.
/// </remarks>
internal sealed class NativeBody(Exchange exchange, Direction direction, ByteBudget memory)
{
    // What base64 makes of it must fit into the frame of one answer, with room for what agents say for the record.
    private const int LargestMutation = (FrameLimits.MaxLength - (1024 * 1024)) / 4 * 3;

    private bool _isHeldByAsker;
    private bool _hasReleased;

    /// <summary>The answer to a piece.</summary>
    public AgentResponse Answer(in BodyStep step, BodyChunkEvent piece)
    {
        var answer = VerdictResponse.From(step.Verdict);
        if (!step.Verdict.IsAllow || (step.IsUnchanged && !_isHeldByAsker))
        {
            _hasReleased = true;
            return answer;
        }

        var progress = step.Progress;
        if (_isHeldByAsker || (!_hasReleased && progress.IsHolding))
        {
            if (progress.IsPristine && progress.Released == progress.Pushed)
            {
                (_isHeldByAsker, _hasReleased) = (false, true);
                return answer;
            }

            if (exchange.Bodies.KeptLength(direction) + (long)step.Release.Length > LargestMutation)
            {
                return Refuse(Cause.TooLarge);
            }

            if (!piece.IsLast && (_isHeldByAsker || step.Release.IsEmpty))
            {
                _isHeldByAsker = true;
                return exchange.Bodies.TryKeep(direction, step.Release.Span, memory) ? answer with { NeedsMore = true } : Refuse(Cause.BodyMemory);
            }
        }

        if (step.Release.Length > LargestMutation)
        {
            return Refuse(Cause.TooLarge);
        }

        // Whatever the asker holds by now is replaced as a whole, and only the last piece can do that.
        var mutation = new BodyMutation(exchange.Bodies.TakeKept(direction, step.Release.Span), _isHeldByAsker ? 0 : piece.ChunkIndex);
        (_isHeldByAsker, _hasReleased) = (false, true);
        return direction == Direction.Request ? answer with { RequestBodyMutation = mutation } : answer with { ResponseBodyMutation = mutation };
    }

    private AgentResponse Refuse(Cause cause)
    {
        exchange.Note(LedgerState.Refused, cause);
        return VerdictResponse.Refused(cause);
    }
}
