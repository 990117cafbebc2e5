using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Grpc;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>Bounds the large messages of all streams of a listener. Apart from the memory of held bodies: a message that waits for that must not keep it from others. Safe from any thread.</summary>
/// <param name="budget">The bytes there are.</param>
/// <param name="patience">How long a message waits for room.</param>
/// <param name="time">The clock.</param>
internal sealed class MessageMemory(ByteBudget budget, TimeSpan patience, TimeProvider time) : IGrpcReceiveMemory
{
    /// <inheritdoc/>
    public ValueTask<bool> ReserveAsync(int bytes) =>
        budget.ReserveAsync(bytes, time.GetTimestamp() + (long)(patience.TotalSeconds * time.TimestampFrequency));

    /// <inheritdoc/>
    public void Return(int bytes) => budget.Return(bytes);
}
