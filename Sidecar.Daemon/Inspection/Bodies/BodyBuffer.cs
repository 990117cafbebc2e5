using System.Buffers;
using System.Numerics;
using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Bytes of a body that are held, in one pooled buffer whose whole capacity is reserved from the budgets. For one caller at a time.</summary>
/// <remarks>It may be shared: the memory goes back when everyone who shares it has disposed of their share.</remarks>
/// <param name="ofAgent">The budget of the agent they are held for; null when it is no agent's.</param>
/// <param name="ofAll">The budget of the daemon.</param>
internal sealed class BodyBuffer(ByteBudget? ofAgent, ByteBudget ofAll) : IDisposable
{
    private const int SmallestBuffer = 4096;
    private const int LargestBuffer = 1 << 30;

    private byte[] _buffer = [];
    private int _length;
    private int _reserved;
    private int _shares = 1;

    /// <summary>What is held. Valid until the next growth, <see cref="Clear"/> or the end.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>How much is held.</summary>
    public int Length => _length;

    /// <summary>Whether this agent's budget pays for it.</summary>
    public bool IsPaidBy(ByteBudget? budget) => ReferenceEquals(ofAgent, budget);

    /// <summary>Makes room, waiting for memory until the deadline. False, and nothing changed, when there is none.</summary>
    /// <param name="more">Bytes to have room for beyond those held.</param>
    /// <param name="deadline">A timestamp.</param>
    public async ValueTask<bool> TryGrowAsync(long more, long deadline)
    {
        var size = SizeFor(_length + more);
        var growth = size - _buffer.Length;
        if (growth <= 0)
        {
            return size > 0;
        }

        if (ofAgent is not null && !await ofAgent.ReserveAsync(growth, deadline).ConfigureAwait(false))
        {
            return false;
        }

        if (!await ofAll.ReserveAsync(growth, deadline).ConfigureAwait(false))
        {
            ofAgent?.Return(growth);
            return false;
        }

        Replace(size);
        return true;
    }

    /// <summary>Adds bytes if there is memory for them now.</summary>
    public bool TryAdd(ReadOnlySpan<byte> bytes)
    {
        var size = SizeFor(_length + (long)bytes.Length);
        var growth = size - _buffer.Length;
        if (size == 0 || (growth > 0 && ofAgent?.TryReserve(growth) == false))
        {
            return false;
        }

        if (growth > 0)
        {
            if (!ofAll.TryReserve(growth))
            {
                ofAgent?.Return(growth);
                return false;
            }

            Replace(size);
        }

        Append(bytes);
        return true;
    }

    /// <summary>Adds bytes; there must be room.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Forgets the bytes and keeps the room. Not while anybody shares them.</summary>
    public void Clear() => _length = 0;

    /// <summary>One more who will dispose of it.</summary>
    public BodyBuffer Share()
    {
        _shares++;
        return this;
    }

    /// <summary>Forgets the bytes, which have been copied; the reservation now stands for the copy and ends with the last share.</summary>
    public void GiveBufferBack()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        (_buffer, _length) = ([], 0);
    }

    /// <summary>Gives a share back, and with the last one the memory. More calls than shares do no harm.</summary>
    public void Dispose()
    {
        if (_shares == 0 || --_shares > 0)
        {
            return;
        }

        GiveBufferBack();
        if (_reserved > 0)
        {
            ofAgent?.Return(_reserved);
            ofAll.Return(_reserved);
            _reserved = 0;
        }
    }

    // The sizes the pool hands out, so that what is reserved is what is taken; 0 when no buffer can be so large.
    private int SizeFor(long needed) =>
        needed > LargestBuffer ? 0 : Math.Max(_buffer.Length, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, SmallestBuffer)));

    private void Replace(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(size);
        var length = _length;
        Memory.Span.CopyTo(larger);
        GiveBufferBack();
        (_buffer, _length, _reserved) = (larger, length, size);
    }
}
