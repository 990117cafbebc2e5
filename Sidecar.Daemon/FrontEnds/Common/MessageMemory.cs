using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Grpc;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// Bounds the large messages of all streams of a listener. Apart from the memory of held bodies: a message that waits for that must not
/// keep it from others. Safe from any thread.
/// </summary>
/// <param name="budget">The bytes there are.</param>
/// <param name="patience">How long a message waits for room.</param>
/// <param name="time">The clock.</param>
internal sealed class MessageMemory(ByteBudget budget, TimeSpan patience, TimeProvider time) : IGrpcReceiveMemory
{
    public ValueTask<bool> ReserveAsync(int bytes) =>
        budget.ReserveAsync(bytes, time.GetTimestamp() + (long)(patience.TotalSeconds * time.TimestampFrequency));

    public void Return(int bytes) => budget.Return(bytes);

    /// <summary>What a message that a client can cause is refused for; null for one that only a broken peer sends.</summary>
    public static Cause? CauseOf(GrpcException error) => error.Status.Code switch
    {
        GrpcStatusCode.ResourceExhausted => Cause.TooLarge,
        GrpcStatusCode.Unavailable => Cause.BodyMemory,
        _ => null,
    };
}
