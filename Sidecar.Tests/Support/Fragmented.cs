using System.Buffers;

namespace Sidecar.Tests.Support;

/// <summary>One fragmentation of some bytes, with a name for the message of a failed assertion.</summary>
internal readonly record struct Fragmented(string Name, ReadOnlySequence<byte> Sequence)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}
