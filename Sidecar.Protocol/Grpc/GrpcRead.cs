using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Sidecar.Protocol.Grpc;

/// <summary>What came of waiting for a message.</summary>
/// <typeparam name="T">Its type.</typeparam>
/// <param name="Message">The message; null when the peer has sent its last, or is gone.</param>
/// <param name="IsGone">Whether the stream or its connection broke, or the wait was cancelled.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct GrpcRead<T>(T? Message, bool IsGone)
    where T : class, IMessage<T>;

/// <summary>Waits until a read of a pipe has ended, however it did, without throwing what it failed with; the read itself tells.</summary>
/// <remarks>A read that failed must not be asked for its result: that throws once more. It is left to the garbage collector then.</remarks>
/// <param name="pending">The read.</param>
internal readonly struct ReadCompletion(ValueTask<ReadResult> pending) : ICriticalNotifyCompletion
{
    public bool IsCompleted => pending.IsCompleted;

    /// <summary>For <c>await</c>.</summary>
    public ReadCompletion GetAwaiter() => this;

    /// <summary>Nothing: the read is asked instead.</summary>
    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => pending.ConfigureAwait(false).GetAwaiter().OnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => pending.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(continuation);
}

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
