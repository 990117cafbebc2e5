using Google.Protobuf;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>Carries one direction's body through the agents in one of Envoy's modes. For one message at a time.</summary>
internal abstract class BodyCarrier(ExtProcExchange exchange, ExtProcDirection half)
{
    /// <summary>Whether a piece said that it is the last.</summary>
    protected bool HasEnded { get; private set; }

    /// <summary>Whether agents were shown anything of the body.</summary>
    protected bool HasBegun { get; private set; }

    /// <summary>What the two directions share.</summary>
    protected ExtProcExchange Exchange => exchange;

    protected ExtProcDirection Half => half;

    /// <summary>Takes a message with a piece of the body.</summary>
    /// <returns>How the stream ends with it; null when it goes on.</returns>
    public abstract ValueTask<ExtProcEnd?> TakeAsync(HttpBody body, long arrived);

    /// <summary>
    /// Takes bytes that belong to no body any more, because the connection has left HTTP: they pass, after what was still held.
    /// </summary>
    public abstract ValueTask<ExtProcEnd?> PassAsync(HttpBody body, long arrived);

    /// <summary>Takes the trailers: they end a body that had no last piece.</summary>
    public abstract ValueTask<ExtProcEnd?> EndAsync(long arrived);

    /// <summary>Shows agents a piece.</summary>
    protected async ValueTask<BodyStep> PushAsync(ReadOnlyMemory<byte> bytes, BodyEnd end, long arrived, bool mayExtend)
    {
        HasBegun = true;
        HasEnded |= end != BodyEnd.More;
        if (end != BodyEnd.More)
        {
            half.Close();
        }

        // That Envoy ends a body is worth more than the length somebody announced before other filters changed it.
        var total = end == BodyEnd.Last ? null : half.Headers.ContentLength;
        return await exchange.PushAsync(half.Direction, new BodyPiece(bytes, end, total), arrived, mayExtend).ConfigureAwait(false);
    }

    /// <summary>What remains when the body ends without a piece.</summary>
    protected ValueTask<BodyStep> FlushAsync(long arrived, bool mayExtend) => PushAsync(default, BodyEnd.Last, arrived, mayExtend);

    /// <summary>Whether a step ends here: its verdict refuses, or nobody hears our answers.</summary>
    /// <param name="step">The step.</param>
    /// <param name="stop">How the stream goes on then.</param>
    protected bool Stops(in BodyStep step, out ValueTask<ExtProcEnd?> stop)
    {
        stop = step.Verdict.IsAllow ? default : exchange.RefuseAsync(step.Verdict);
        return !step.Verdict.IsAllow || exchange.IsObserving;
    }

    /// <summary>Answers a message with a piece; the stream goes on.</summary>
    protected async ValueTask<ExtProcEnd?> AnswerAsync(CommonResponse common, Verdict verdict)
    {
        var body = new BodyResponse { Response = common };
        await exchange.SendAsync(
            half.Direction == Direction.Request ? new() { RequestBody = body } : new() { ResponseBody = body },
            verdict).ConfigureAwait(false);
        return null;
    }

    /// <summary>Answers the trailers; the stream goes on.</summary>
    protected async ValueTask<ExtProcEnd?> AnswerTrailersAsync(Verdict verdict)
    {
        var trailers = new TrailersResponse();
        await exchange.SendAsync(
            half.Direction == Direction.Request ? new() { RequestTrailers = trailers } : new() { ResponseTrailers = trailers },
            verdict).ConfigureAwait(false);
        return null;
    }

    /// <summary>These bytes instead of those that came.</summary>
    protected static BodyMutation Replacement(ReadOnlyMemory<byte> bytes) =>
        bytes.IsEmpty ? new BodyMutation { ClearBody = true } : new BodyMutation { Body = UnsafeByteOperations.UnsafeWrap(bytes) };

    /// <summary>Refuses an allow whose changes cannot be carried.</summary>
    protected ValueTask<ExtProcEnd?> RefuseUnappliedAsync(Verdict verdict) =>
        exchange.RefuseAsync(Cause.Unapplied, verdict.Audits, half.Direction);
}
