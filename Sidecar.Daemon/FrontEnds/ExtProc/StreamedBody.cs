using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>STREAMED: each piece has its answer, which passes, replaces or clears that piece (proxy integration §3.5.4).</summary>
/// <remarks>
/// A piece that an agent holds is cleared, and what it releases later replaces a later piece. The headers have gone upstream by then, so
/// their edits come too late.
/// Bytes that are still held when trailers come cannot go on, because the answer about trailers carries none: the exchange is refused.
/// </remarks>
internal sealed class StreamedBody(ExtProcExchange exchange, ExtProcDirection half) : BodyCarrier(exchange, half)
{
    private bool _isHolding;

    public override async ValueTask<ExtProcEnd?> TakeAsync(HttpBody body, long arrived)
    {
        var isLast = ExtProcOrder.IsLast(body);
        using var step =
            await PushAsync(body.Body.Memory, isLast ? BodyEnd.Last : BodyEnd.More, arrived, mayExtend: isLast).ConfigureAwait(false);
        _isHolding = step.Progress.IsHolding;
        if (Stops(step, out var stop))
        {
            return await stop.ConfigureAwait(false);
        }

        if (!Half.Answer!.TryCarryLater(step.Verdict, mutation: null))
        {
            return await RefuseUnappliedAsync(step.Verdict).ConfigureAwait(false);
        }

        var common = new CommonResponse { BodyMutation = step.IsUnchanged ? null : Replacement(step.Joined()) };
        return await AnswerAsync(common, step.Verdict).ConfigureAwait(false);
    }

    public override async ValueTask<ExtProcEnd?> PassAsync(HttpBody body, long arrived)
    {
        if (!HasBegun || HasEnded)
        {
            return await AnswerAsync(new CommonResponse(), Verdict.Allow).ConfigureAwait(false);
        }

        using var step = await FlushAsync(arrived, mayExtend: false).ConfigureAwait(false);
        if (Stops(step, out var stop))
        {
            return await stop.ConfigureAwait(false);
        }

        var mutation = step.Release.IsEmpty ? null : Replacement((byte[])[.. step.Joined().Span, .. body.Body.Span]);
        return await AnswerAsync(new CommonResponse { BodyMutation = mutation }, step.Verdict).ConfigureAwait(false);
    }

    public override async ValueTask<ExtProcEnd?> EndAsync(long arrived)
    {
        if (HasEnded)
        {
            return new ExtProcEnd($"{Half.Direction} trailers came after the end of a streamed body");
        }

        if (!Half.IsOpen)
        {
            return await AnswerTrailersAsync(Verdict.Allow).ConfigureAwait(false);
        }

        using var step = await FlushAsync(arrived, mayExtend: true).ConfigureAwait(false);
        if (Stops(step, out var stop))
        {
            return await stop.ConfigureAwait(false);
        }

        if (!step.Release.IsEmpty)
        {
            EnvoyEdits.NoteBody(Exchange.Exchange, Half.Direction);
        }

        // What was cleared cannot come back, whatever the route says of operations that are not applied.
        var isLost = !step.Release.IsEmpty && (_isHolding || Exchange.Exchange.Route is not { RefusesUnapplied: false });
        if (isLost && _isHolding)
        {
            Exchange.Filter.Warn($"a {(Half.Direction == Direction.Request ? "request" : "response")} with trailers is refused, because in "
                + "mode STREAMED nothing that agents hold of a body can go on once trailers have come; use FULL_DUPLEX_STREAMED, or "
                + "agents with body-mode=stream");
        }

        return isLost || !Half.Answer!.TryCarryLater(step.Verdict, mutation: null)
            ? await RefuseUnappliedAsync(step.Verdict).ConfigureAwait(false)
            : await AnswerTrailersAsync(step.Verdict).ConfigureAwait(false);
    }
}
