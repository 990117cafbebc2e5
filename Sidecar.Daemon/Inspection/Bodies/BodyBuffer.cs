using System.Buffers;
using System.Numerics;
using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// Bytes of a body that are held, in pooled buffers whose whole capacity is reserved from the budgets. For one caller at a time.
/// </summary>
/// <remarks>
/// What comes later is put into further buffers, so that growth neither copies nor leaves outgrown ones in the pool; they are joined when
/// somebody looks, within what is reserved. It may be shared: the memory goes back when everyone who shares it has disposed of their share.
/// </remarks>
/// <param name="ofAgent">The budget of the agent they are held for; null when it is no agent's.</param>
/// <param name="ofAll">The budget of the daemon.</param>
internal sealed class BodyBuffer(ByteBudget? ofAgent, ByteBudget ofAll) : IDisposable
{
    private const int SmallestBuffer = 4096;
    private const int LargestBuffer = 1 << 30;

    // The shared pool keeps tens of each size, of which larger ones would be more than many bodies: of those four are kept up to 1 MiB,
    // none above.
    private const int LargestFurther = 64 * 1024;
    private static readonly ArrayPool<byte> Large = ArrayPool<byte>.Create(maxArrayLength: 1 << 20, maxArraysPerBucket: 4);

    // Full ones, before the one that is filled.
    private readonly List<byte[]> _full = [];
    private byte[] _buffer = [];
    private int _filled;
    private int _length;
    private int _rented;
    private int _reserved;
    private int _shares = 1;

    /// <summary>What is held, in one run. Valid until the next bytes are added, or the end.</summary>
    public ReadOnlyMemory<byte> Memory
    {
        get
        {
            if (_full.Count > 0)
            {
                Join();
            }

            return _buffer.AsMemory(0, _length);
        }
    }

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
        var growth = size - _reserved;
        if (growth <= 0)
        {
            return size > 0;
        }

        if (ofAgent is not null && !await ofAgent.ReserveAsync(growth, deadline))
        {
            return false;
        }

        if (!await ofAll.ReserveAsync(growth, deadline))
        {
            ofAgent?.Return(growth);
            return false;
        }

        _reserved = size;
        return true;
    }

    /// <summary>Makes room if there is memory for it now. False, and nothing changed, when there is none.</summary>
    public bool TryGrow(long more)
    {
        // With no time left nobody waits.
        var growing = TryGrowAsync(more, long.MinValue);
        return growing.IsCompletedSuccessfully && growing.GetAwaiter().GetResult();
    }

    /// <summary>Adds bytes; there must be room.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_filled == _buffer.Length)
            {
                Extend();
            }

            var fitting = bytes[..Math.Min(bytes.Length, _buffer.Length - _filled)];
            fitting.CopyTo(_buffer.AsSpan(_filled));
            bytes = bytes[fitting.Length..];
            _filled += fitting.Length;
            _length += fitting.Length;
        }
    }

    /// <summary>Forgets the bytes and keeps the room. Not while anybody shares them.</summary>
    public void Clear()
    {
        if (_full.Count > 0)
        {
            GiveBuffersBack();
        }

        (_filled, _length) = (0, 0);
    }

    /// <summary>One more who will dispose of it.</summary>
    public BodyBuffer Share()
    {
        _shares++;
        return this;
    }

    /// <summary>Gives a share back, and with the last one the memory. More calls than shares do no harm.</summary>
    public void Dispose()
    {
        if (_shares == 0 || --_shares > 0)
        {
            return;
        }

        GiveBuffersBack();
        if (_reserved > 0)
        {
            ofAgent?.Return(_reserved);
            ofAll.Return(_reserved);
            _reserved = 0;
        }
    }

    private static ArrayPool<byte> PoolOf(int size) => size <= LargestFurther ? ArrayPool<byte>.Shared : Large;

    // A pool that has none of a size left hands out a larger one, which nobody has reserved.
    private static byte[] Rent(int size)
    {
        var pool = PoolOf(size);
        var buffer = pool.Rent(size);
        if (buffer.Length == size)
        {
            return buffer;
        }

        pool.Return(buffer);
        return new byte[size];
    }

    // The sizes the pool hands out, so that what is reserved is what is taken; 0 when no buffer can be so large.
    private int SizeFor(long needed) =>
        needed > LargestBuffer ? 0 : Math.Max(_reserved, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, SmallestBuffer)));

    // The first is all that is reserved: a body whose size is known lies in one run. All are of sizes that the pool hands out, or they
    // would be larger.
    private void Extend()
    {
        var left = (uint)(_reserved - _rented);
        var size = _rented == 0 ? _reserved : Math.Min(LargestFurther, 1 << BitOperations.Log2(left));
        if (_rented > 0)
        {
            _full.Add(_buffer);
        }

        (_buffer, _filled) = (Rent(size), 0);
        _rented += size;
    }

    private void GiveBuffersBack()
    {
        foreach (var buffer in _full)
        {
            PoolOf(buffer.Length).Return(buffer);
        }

        if (_buffer.Length > 0)
        {
            PoolOf(_buffer.Length).Return(_buffer);
        }

        _full.Clear();
        (_buffer, _filled, _length, _rented) = ([], 0, 0, 0);
    }

    private void Join()
    {
        var joined = Rent(_reserved);
        var (at, length) = (0, _length);
        foreach (var buffer in _full)
        {
            buffer.CopyTo(joined, at);
            at += buffer.Length;
        }

        _buffer.AsSpan(0, _filled).CopyTo(joined.AsSpan(at));
        GiveBuffersBack();
        (_buffer, _filled, _length, _rented) = (joined, length, length, _reserved);
    }
}
