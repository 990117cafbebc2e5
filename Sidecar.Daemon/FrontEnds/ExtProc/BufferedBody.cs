using System.Globalization;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// BUFFERED and BUFFERED_PARTIAL: one message with everything, or with as much as fits; the headers wait, so their edits still count (proxy
/// integration §3.5.5–6).
/// </summary>
/// <remarks>
/// A whole buffer is the whole body even when it is not the end of the stream: then trailers follow. So is a partial one that is smaller
/// than Envoy's buffer, or as long as was announced; any other that is not the end is a beginning, and Envoy streams the rest without us. A
/// changed body has its
/// <c>content-length</c> set in the same answer, without which Envoy answers 500.
/// </remarks>
/// <param name="exchange">What the two directions share.</param>
/// <param name="half">The direction.</param>
/// <param name="isWhole">Whether Envoy refuses a body that does not fit, rather than sending its beginning.</param>
internal sealed class BufferedBody(ExtProcExchange exchange, ExtProcDirection half, bool isWhole) : BodyCarrier(exchange, half)
{
    // The smallest buffer that anybody recommends for Envoy.
    private const long SmallestBuffer = 32 * 1024;

    public override async ValueTask<ExtProcEnd?> TakeAsync(HttpBody body, long arrived)
    {
        if (HasBegun && Exchange.Modes.IsUnheard(Half.Direction))
        {
            Exchange.Filter.NoteUnheard(isCertain: true);
            return await Exchange.RefuseAsync(Cause.UnheardOverride, direction: Half.Direction).ConfigureAwait(false);
        }

        if (HasBegun)
        {
            return new ExtProcEnd($"a second {Half.Direction} body came, and the mode is "
                + $"{(isWhole ? "BUFFERED" : "BUFFERED_PARTIAL, or not told: then the listener must name it")}");
        }

        var end = isWhole || ExtProcOrder.IsLast(body) || IsAll(body.Body.Length) ? BodyEnd.Last : BodyEnd.Truncated;
        using var step = await PushAsync(body.Body.Memory, end, arrived, mayExtend: true).ConfigureAwait(false);
        if (Stops(step, out var stop))
        {
            return await stop.ConfigureAwait(false);
        }

        var mutation = new HeaderMutation();
        if (!Half.Answer!.TryCarryLater(step.Verdict, mutation))
        {
            return await RefuseUnappliedAsync(step.Verdict).ConfigureAwait(false);
        }

        var common = new CommonResponse();
        if (!step.IsUnchanged)
        {
            common.BodyMutation = Replacement(step.Joined());
            if (isWhole && Half.Headers.ContentLength is not null)
            {
                EnvoyEdits.Set(mutation, "content-length", step.Release.Length.ToString(CultureInfo.InvariantCulture));
            }
        }

        common.HeaderMutation = mutation.SetHeaders.Count + mutation.RemoveHeaders.Count > 0 ? mutation : null;
        return await AnswerAsync(common, step.Verdict).ConfigureAwait(false);
    }

    // Where nobody has told the mode, the first piece of a streamed body looks the same.
    private bool IsAll(int length) => Exchange.Modes.Of(Half.Direction) == BodySendMode.BufferedPartial
        && (length < (Exchange.Options.BufferLimit ?? SmallestBuffer) || length == Half.Headers.ContentLength);

    public override ValueTask<ExtProcEnd?> PassAsync(HttpBody body, long arrived) => AnswerAsync(new CommonResponse(), Verdict.Allow);

    public override ValueTask<ExtProcEnd?> EndAsync(long arrived) => AnswerTrailersAsync(Verdict.Allow);
}
