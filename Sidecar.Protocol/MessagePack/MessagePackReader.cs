namespace Sidecar.Protocol.MessagePack;

/// <summary>
/// Reads one complete MessagePack message from a span, token by token, without allocating. Bad input throws
/// <see cref="MessagePackFormatException"/> and nothing else; after that the position is where the offending read began.
/// </summary>
/// <remarks>
/// <para>Spans handed out are parts of the message and live as long as it does.</para>
/// <para>
/// A caller that reads the elements of a container brackets them with <see cref="EnterContainer"/> and <see cref="LeaveContainer"/>,
/// so that what a peer nests is bounded; <see cref="Skip"/> keeps to the same bound.
/// </para>
/// <para>A value type: pass it by <c>ref</c>. Not safe for use by several threads.</para>
/// </remarks>
public ref partial struct MessagePackReader
{
    /// <summary>How deep containers may nest unless the caller says otherwise; free JSON values stay far below it.</summary>
    public const int DefaultMaxDepth = 64;

    /// <summary>The deepest limit a caller may ask for: what keeps <see cref="Skip"/> within 4 KiB of stack.</summary>
    public const int MaxMaxDepth = 1024;

    private readonly ReadOnlySpan<byte> _source;
    private readonly int _maxDepth;
    private int _position;
    private int _depth;

    /// <summary>Starts at the first byte of a message.</summary>
    /// <param name="source">The whole message; a value that reaches beyond it is truncated.</param>
    /// <param name="maxDepth">How many containers may be open at once, 1 to <see cref="MaxMaxDepth"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is out of its range.</exception>
    public MessagePackReader(ReadOnlySpan<byte> source, int maxDepth = DefaultMaxDepth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxDepth, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxDepth, MaxMaxDepth);
        _source = source;
        _maxDepth = maxDepth;
    }

    /// <summary>Bytes read so far.</summary>
    public readonly int Position => _position;

    /// <summary>Bytes not yet read.</summary>
    public readonly int Remaining => _source.Length - _position;

    /// <summary>Whether every byte has been read.</summary>
    public readonly bool End => _position >= _source.Length;

    /// <summary>How many containers may be open at once.</summary>
    public readonly int MaxDepth => _maxDepth;

    /// <summary>How many containers are open now.</summary>
    public readonly int Depth => _depth;

    /// <summary>The kind of the next value; <see cref="MessagePackKind.Invalid"/> for the code 0xC1.</summary>
    /// <exception cref="MessagePackFormatException">The message has ended.</exception>
    public readonly MessagePackKind NextKind
    {
        get
        {
            if (End)
            {
                MessagePackThrow.Ended("a value", _source, _position);
            }

            return MessagePackCode.ToKind(_source[_position]);
        }
    }

    private readonly ReadOnlySpan<byte> Rest => _source[_position..];

    /// <summary>Reads nil if it comes next; false, with nothing read, if another value or the end does.</summary>
    public bool TryReadNil()
    {
        if (MessagePackPrimitives.TryReadNil(Rest, out int size) != MessagePackOutcome.Success)
        {
            return false;
        }

        _position += size;
        return true;
    }

    /// <summary>Reads nil.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next.</exception>
    public void ReadNil()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadNil(Rest, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "nil", _source, _position);
        }

        _position += size;
    }

    /// <summary>Reads false or true.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next.</exception>
    public bool ReadBoolean()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadBoolean(Rest, out bool value, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "a boolean", _source, _position);
        }

        _position += size;
        return value;
    }
}
