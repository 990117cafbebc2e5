using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Sidecar.Protocol.Grpc;

/// <summary>Waits until a read of a pipe has ended, however it did, without throwing what it failed with; the read itself tells.</summary>
/// <remarks>A read that failed must not be asked for its result: that throws once more. It is left to the garbage collector then.</remarks>
/// <param name="pending">The read.</param>
internal readonly struct ReadCompletion(ValueTask<ReadResult> pending) : ICriticalNotifyCompletion
{
    /// <summary>Whether it has ended.</summary>
    public bool IsCompleted => pending.IsCompleted;

    /// <summary>For <c>await</c>.</summary>
    public ReadCompletion GetAwaiter() => this;

    /// <summary>Nothing: the read is asked instead.</summary>
    public void GetResult()
    {
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => pending.ConfigureAwait(false).GetAwaiter().OnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => pending.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(continuation);
}
