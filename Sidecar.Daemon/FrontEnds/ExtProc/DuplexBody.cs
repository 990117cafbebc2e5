using System.Buffers;
using Google.Protobuf;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// FULL_DUPLEX_STREAMED: all bytes go back in pieces of our own, in our own rhythm, after the headers and before the trailers (proxy
/// integration §3.5.7).
/// </summary>
/// <remarks>
/// The answer about the headers waits for the first release where an agent decides about the whole body, so that nothing of a refused
/// request goes upstream. Envoy has no timer here; each piece has our budget from its turn.
/// </remarks>
internal sealed class DuplexBody(ExtProcExchange exchange, ExtProcDirection half) : BodyCarrier(exchange, half)
{
    /// <summary>Largest piece, in bytes: what Envoy's documentation recommends.</summary>
    public const int MaxPiece = 64 * 1024;

    public override async ValueTask<ExtProcEnd?> TakeAsync(HttpBody body, long arrived)
    {
        var isLast = ExtProcOrder.IsLast(body);
        using var step =
            await PushAsync(body.Body.Memory, isLast ? BodyEnd.Last : BodyEnd.More, Now, mayExtend: false).ConfigureAwait(false);
        return await GiveAsync(step, isLast).ConfigureAwait(false);
    }

    public override async ValueTask<ExtProcEnd?> PassAsync(HttpBody body, long arrived)
    {
        if (HasBegun && !HasEnded)
        {
            using var step = await FlushAsync(Now, mayExtend: false).ConfigureAwait(false);
            if (await GiveAsync(step, isLast: false).ConfigureAwait(false) is { } end)
            {
                return end;
            }
        }

        var isLast = ExtProcOrder.IsLast(body);
        return body.Body.IsEmpty && !isLast ? null
            : await HeadersFirstAsync().ConfigureAwait(false)
                ?? await WriteAsync(new ReadOnlySequence<byte>(body.Body.Memory), isLast, Verdict.Allow).ConfigureAwait(false);
    }

    public override async ValueTask<ExtProcEnd?> EndAsync(long arrived)
    {
        if (HasEnded)
        {
            return new ExtProcEnd($"{Half.Direction} trailers came after the end of a streamed body");
        }

        using var step = await FlushAsync(Now, mayExtend: false).ConfigureAwait(false);
        if (await GiveAsync(step, isLast: false).ConfigureAwait(false) is { } end)
        {
            return end;
        }

        return Exchange.IsOver ? null
            : await HeadersFirstAsync().ConfigureAwait(false) ?? await AnswerTrailersAsync(Verdict.Allow).ConfigureAwait(false);
    }

    private async ValueTask<ExtProcEnd?> GiveAsync(BodyStep step, bool isLast)
    {
        if (Stops(step, out var stop))
        {
            return await stop.ConfigureAwait(false);
        }

        if (!Half.Answer!.IsSent)
        {
            Half.Answer.Add(step.Verdict);
        }
        else if (!Half.Answer.TryCarryLater(step.Verdict, mutation: null))
        {
            return await RefuseUnappliedAsync(step.Verdict).ConfigureAwait(false);
        }

        return step.Release.IsEmpty && !isLast ? null
            : await HeadersFirstAsync().ConfigureAwait(false) ?? await WriteAsync(step.Release, isLast, step.Verdict).ConfigureAwait(false);
    }

    private long Now => Exchange.Stream.Inspector.Time.GetTimestamp();

    private ValueTask<ExtProcEnd?> HeadersFirstAsync() => Half.Answer!.SendAsync();

    private async ValueTask<ExtProcEnd?> WriteAsync(ReadOnlySequence<byte> bytes, bool isLast, Verdict verdict)
    {
        do
        {
            var piece = bytes.Slice(0, Math.Min(bytes.Length, MaxPiece));
            bytes = bytes.Slice(piece.Length);
            var body = piece.IsSingleSegment ? piece.First : piece.ToArray();
            var streamed = new StreamedBodyResponse { Body = UnsafeByteOperations.UnsafeWrap(body), EndOfStream = isLast && bytes.IsEmpty };
            await AnswerAsync(
                new CommonResponse { BodyMutation = new BodyMutation { StreamedResponse = streamed } }, verdict).ConfigureAwait(false);
        }
        while (!bytes.IsEmpty);

        return null;
    }
}
