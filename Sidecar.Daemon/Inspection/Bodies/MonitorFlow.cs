using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// The copies of one direction's body for an agent that only watches: shown as they would be shown if the agent were enforced, and released to nobody.
/// </summary>
/// <remarks>Safe from any thread. It lives until the exchange has ended and the last copy is judged, whichever comes later.</remarks>
internal sealed class MonitorFlow(Participant participant, BodyPipeline flow, EventKind kind)
{
    private int _users = 1;
    private volatile bool _broken;

    /// <summary>The agent.</summary>
    public Participant Participant => participant;

    /// <summary>Which event its pieces are.</summary>
    public EventKind Kind => kind;

    /// <summary>Whether the agent takes part and has missed nothing.</summary>
    public bool Wants => !_broken && participant.Session.Wants(kind);

    /// <summary>A piece could not be copied: the agent's view has a hole, so it is shown no more of this body.</summary>
    public void Break() => _broken = true;

    /// <summary>Shows the agent a piece; in the order of the calls.</summary>
    /// <returns>What enforcing the answer would have done.</returns>
    public async Task<string> PushAsync(BodyPiece piece, long deadline)
    {
        Interlocked.Increment(ref _users);
        try
        {
            using var step = await flow.PushAsync(piece, deadline).ConfigureAwait(false);
            var isJudged = piece.End != BodyEnd.More || step.Progress.Released > 0;
            return MonitorLabels.Of(step.Verdict, isJudged);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>The exchange is over: no piece follows.</summary>
    public void Close() => Leave();

    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            flow.Dispose();
        }
    }
}
