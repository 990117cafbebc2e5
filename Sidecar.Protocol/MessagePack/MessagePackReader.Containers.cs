namespace Sidecar.Protocol.MessagePack;

public ref partial struct MessagePackReader
{
    /// <summary>Reads the header of an array and returns its number of elements, which the bytes left can at least hold.</summary>
    /// <exception cref="MessagePackFormatException">
    /// Another value or the end comes next, or the header claims more elements than there are bytes left.
    /// </exception>
    public int ReadArrayHeader()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadArrayHeader(Rest, out uint count, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "an array", _source, _position);
        }

        if (count > (uint)(Remaining - size))
        {
            MessagePackThrow.Claim(_source, _position);
        }

        _position += size;
        return (int)count;
    }

    /// <summary>Reads the header of a map and returns its number of pairs, which the bytes left can at least hold.</summary>
    /// <exception cref="MessagePackFormatException">
    /// Another value or the end comes next, or the header claims more pairs than half the bytes left.
    /// </exception>
    public int ReadMapHeader()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadMapHeader(Rest, out uint count, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "a map", _source, _position);
        }

        if (2UL * count > (uint)(Remaining - size))
        {
            MessagePackThrow.Claim(_source, _position);
        }

        _position += size;
        return (int)count;
    }

    /// <summary>Counts the container whose header was just read as open; call it before its elements are read.</summary>
    /// <exception cref="MessagePackFormatException">More than <see cref="MaxDepth"/> containers would be open.</exception>
    public void EnterContainer()
    {
        if (_depth >= _maxDepth)
        {
            MessagePackThrow.TooDeep(_maxDepth, _source, _position);
        }

        _depth++;
    }

    /// <summary>Counts the innermost open container as closed; call it after its last element.</summary>
    /// <exception cref="InvalidOperationException">No container is open: the caller's calls are not paired.</exception>
    public void LeaveContainer()
    {
        if (_depth == 0)
        {
            MessagePackThrow.NotEntered();
        }

        _depth--;
    }

    /// <summary>Steps over the next value with everything in it. Takes time linear in its bytes and a fixed amount of stack.</summary>
    /// <exception cref="MessagePackFormatException">
    /// The end comes next, or the value is truncated, contains the code 0xC1, claims more elements than bytes are left,
    /// or nests deeper than <see cref="MaxDepth"/>.
    /// </exception>
    public void Skip()
    {
        int position = StepOver(_position, out long children);
        _position = children < 0 ? position : SkipContainer(position, (int)children);
    }

    /// <summary>Steps over the next value and returns all its bytes, header included, to be decoded or passed on as they are.</summary>
    /// <exception cref="MessagePackFormatException">As for <see cref="Skip"/>.</exception>
    public ReadOnlySpan<byte> ReadRaw()
    {
        int start = _position;
        Skip();
        return _source[start.._position];
    }

    /// <summary>Walks what is inside a container: one counter of outstanding values per open container, no recursion.</summary>
    private readonly int SkipContainer(int position, int children)
    {
        Span<int> outstanding = stackalloc int[_maxDepth - _depth];
        int open = 0;
        int owed = 0;
        while (true)
        {
            // A negative number of children is a scalar; a container, empty or not, counts against the depth.
            if (children >= 0)
            {
                if (open == outstanding.Length)
                {
                    MessagePackThrow.TooDeep(_maxDepth, _source, position);
                }

                outstanding[open++] = owed;
                owed = children;
            }

            while (owed == 0)
            {
                if (open == 0)
                {
                    return position;
                }

                owed = outstanding[--open];
            }

            position = StepOver(position, out long next);
            children = (int)next;
            owed--;
        }
    }

    /// <summary>Checks the token at an offset and returns the offset after it; children is -1 for all but containers.</summary>
    private readonly int StepOver(int position, out long children)
    {
        ReadOnlySpan<byte> rest = _source[position..];
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadToken(rest, out MessagePackToken token);
        if (outcome != MessagePackOutcome.Success || token.Size > rest.Length)
        {
            MessagePackThrow.Read(
                outcome == MessagePackOutcome.Success ? MessagePackOutcome.Insufficient : outcome, "a value", _source, position);
        }

        children = -1;
        if (token.IsContainer)
        {
            children = token.Children;
            if (children > rest.Length - token.HeaderSize)
            {
                MessagePackThrow.Claim(_source, position);
            }
        }

        return position + (int)token.Size;
    }
}
