using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>The end of a flow's chain.</summary>
internal interface IBodyOutput : IBodySink, IDisposable
{
    /// <summary>Hands out what one push has brought and begins anew.</summary>
    ReleasedBytes Take();
}

/// <summary>What one push has brought to the end of the chain.</summary>
/// <param name="Bytes">The bytes, if anybody wants them.</param>
/// <param name="Owner">Disposed of when they have been used; null when they are the push's or an agent's.</param>
/// <param name="IsOfPush">Whether they are a part of what was pushed.</param>
/// <param name="Length">How many there were.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReleasedBytes(ReadOnlyMemory<byte> Bytes, IDisposable? Owner, bool IsOfPush, long Length);

/// <summary>Takes bytes that have passed everything before it: the next stage of a flow, or its output.</summary>
internal interface IBodySink
{
    /// <summary>Takes bytes, and disposes of them. The push's own bytes must not be kept beyond the push.</summary>
    ValueTask PassAsync(BodyPush push, BodySegment bytes);
}
