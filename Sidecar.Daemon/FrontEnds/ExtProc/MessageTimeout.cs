using System.Runtime.InteropServices;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// How long agents may take for one message, and the asking of Envoy for more (proxy integration §3.5.9). Safe from any thread.
/// </summary>
/// <remarks>
/// Envoy's timer runs from the moment it sends a message and starts anew with each, so more time can be asked for only where no other
/// message of the direction can come before the answer: not for a streamed piece that others follow, and in full duplex there is no timer
/// at all. The message that asks is followed by the real answer. Envoy ignores it where the filter has no <c>max_message_timeout</c>.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly struct MessageTimeout(EnvoyFilterOptions options, TimeProvider time, ExtProcWriter writer)
{
    /// <summary>When the agents' time for a message is up, a timestamp.</summary>
    /// <param name="arrived">When it came.</param>
    /// <param name="mayExtend">Whether more time can be asked for.</param>
    public long DeadlineOf(long arrived, bool mayExtend)
    {
        // Of the longer time, too, a part is left for the way back.
        var budget = options.Budget + (mayExtend && CanExtend ? options.MaxMessageTimeout * options.UsableTime : TimeSpan.Zero);
        return arrived + (long)(budget.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>Waits for what the agents say; asks for more time when Envoy's is nearly up.</summary>
    public ValueTask<T> AwaitAsync<T>(ValueTask<T> pending, long arrived, bool mayExtend) =>
        pending.IsCompleted || !mayExtend || !CanExtend ? pending : ExtendAsync(pending.AsTask(), arrived);

    private bool CanExtend => options.MaxMessageTimeout >= TimeSpan.FromMilliseconds(1);

    private async ValueTask<T> ExtendAsync<T>(Task<T> pending, long arrived)
    {
        var left = options.Budget - time.GetElapsedTime(arrived);
        using var answered = new CancellationTokenSource();
        var due = Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, answered.Token);
        var isAnswered = await Task.WhenAny(pending, due).ConfigureAwait(false) == pending;
        await answered.CancelAsync().ConfigureAwait(false);
        if (isAnswered)
        {
            return await pending.ConfigureAwait(false);
        }

        await writer.WriteAsync(
            new ProcessingResponse { OverrideMessageTimeout = Duration.FromTimeSpan(options.MaxMessageTimeout) }).ConfigureAwait(false);
        return await pending.ConfigureAwait(false);
    }
}
