using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Renders replies for either phase. Stateless.</summary>
internal static class SpopReply
{
    /// <summary>What the client gets. A response that we refuse is in its eyes the upstream's failure, not its own.</summary>
    public static Reply Render(SpopPhase phase, Verdict verdict)
    {
        var reply = ReplyRenderer.Render(verdict);
        return phase == SpopPhase.Response && verdict is { Kind: VerdictKind.FailedClosed, Cause: not Cause.Timeout }
            ? reply with { Status = 502, Body = DefaultPage.For(502) }
            : reply;
    }
}
