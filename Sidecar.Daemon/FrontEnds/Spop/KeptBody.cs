using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>A copy of the body bytes of a message, which outlives the frame it came in. Counts against the daemon's body memory until it is disposed of.</summary>
internal sealed class KeptBody : IDisposable
{
    private readonly ByteBudget? _memory;
    private readonly int _length;
    private byte[]? _bytes;

    private KeptBody(byte[] bytes, int length, ByteBudget? memory) => (_bytes, _length, _memory) = (bytes, length, memory);

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _length);

    /// <summary>Copies; false when there is no memory left.</summary>
    public static bool TryKeep(ReadOnlySpan<byte> bytes, ByteBudget memory, [NotNullWhen(true)] out KeptBody? kept)
    {
        kept = null;
        if (bytes.IsEmpty)
        {
            kept = new([], 0, null);
            return true;
        }

        if (!memory.TryReserve(bytes.Length))
        {
            return false;
        }

        var copy = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(copy);
        kept = new(copy, bytes.Length, memory);
        return true;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_memory is not null && Interlocked.Exchange(ref _bytes, null) is { } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
            _memory.Return(_length);
        }
    }
}
