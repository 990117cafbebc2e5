using System.Buffers;

namespace Sidecar.Protocol.MessagePack;

/// <summary>
/// Writes MessagePack values to a buffer, each in its narrowest form, without allocating. Values collect in one span of the output;
/// call <see cref="Flush"/> after the last one, or the end of the message is lost.
/// </summary>
/// <remarks>
/// <para>While it writes, nobody else may touch the output. The caller answers for counts: a header of n takes n values after it.</para>
/// <para>A value type: pass it by <c>ref</c>. Not safe for use by several threads.</para>
/// </remarks>
public ref partial struct MessagePackWriter
{
    /// <summary>Bytes asked of the output at a time, so that small values rarely need more than one span.</summary>
    private const int SpanSize = 512;

    private readonly IBufferWriter<byte> _output;
    private Span<byte> _span;
    private int _used;

    /// <summary>Starts at the output's present end.</summary>
    public MessagePackWriter(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
    }

    /// <summary>Hands what was written to the output. The writer can go on afterwards.</summary>
    public void Flush()
    {
        if (_used > 0)
        {
            _output.Advance(_used);
        }

        _span = default;
        _used = 0;
    }

    /// <summary>Writes nil.</summary>
    public void WriteNil() => WriteCode(MessagePackCode.Nil);

    /// <summary>Writes false or true.</summary>
    public void Write(bool value) => WriteCode(value ? MessagePackCode.True : MessagePackCode.False);

    /// <summary>Writes the header of an array.</summary>
    /// <param name="count">How many values follow.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public void WriteArrayHeader(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count <= 0x0F)
        {
            WriteCode((byte)(MessagePackCode.MinFixArray | count));
        }
        else
        {
            WriteLength((uint)count, MessagePackCode.Array16, MessagePackCode.Array32);
        }
    }

    /// <summary>Writes the header of a map.</summary>
    /// <param name="count">How many pairs follow: a key, its value, the next key.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public void WriteMapHeader(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count <= 0x0F)
        {
            WriteCode((byte)(MessagePackCode.MinFixMap | count));
        }
        else
        {
            WriteLength((uint)count, MessagePackCode.Map16, MessagePackCode.Map32);
        }
    }

    /// <summary>Copies bytes that are one or more whole values already.</summary>
    public void WriteRaw(scoped ReadOnlySpan<byte> values)
    {
        while (!values.IsEmpty)
        {
            Span<byte> free = Ensure(1);
            int size = Math.Min(free.Length, values.Length);
            values[..size].CopyTo(free);
            _used += size;
            values = values[size..];
        }
    }

    /// <summary>The free part of the span, at least as long as asked.</summary>
    private Span<byte> Ensure(int size)
    {
        if (_span.Length - _used < size)
        {
            Flush();
            _span = _output.GetSpan(Math.Max(size, SpanSize));
        }

        return _span[_used..];
    }

    private void WriteCode(byte code)
    {
        Ensure(1)[0] = code;
        _used++;
    }
}
