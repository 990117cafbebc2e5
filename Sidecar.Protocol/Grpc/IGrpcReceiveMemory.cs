namespace Sidecar.Protocol.Grpc;

/// <summary>Bounds the bytes of large messages over all calls that share it. Safe from any thread.</summary>
/// <remarks>Asked once for each message that does not fit a stream's window, before more of it is taken than the window.</remarks>
public interface IGrpcReceiveMemory
{
    /// <summary>Reserves room for a message, waiting for a bounded time.</summary>
    /// <param name="bytes">The length that its prefix announced.</param>
    /// <returns>False when no room came free; then the message is refused.</returns>
    ValueTask<bool> ReserveAsync(int bytes);

    /// <summary>Gives room back that was reserved.</summary>
    void Return(int bytes);
}
