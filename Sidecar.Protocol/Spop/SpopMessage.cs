namespace Sidecar.Protocol.Spop;

/// <summary>One message of a NOTIFY: its name in the configuration of HAProxy, and its arguments, already checked.</summary>
public readonly ref struct SpopMessage
{
    private SpopMessage(ReadOnlySpan<byte> name, int count, ReadOnlySpan<byte> arguments)
    {
        Name = name;
        Arguments = new SpopArguments(arguments, count);
    }

    /// <summary>The name of the <c>spoe-message</c> section.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The arguments in the order of the configuration; 0 to 255. Use with <c>foreach</c>.</summary>
    public SpopArguments Arguments { get; }

    /// <summary>Reads the message at the reader's position, all its arguments included.</summary>
    internal static bool TryRead(scoped ref SpopReader reader, out SpopMessage message, out SpopError error)
    {
        message = default;
        error = default;
        if (!reader.TryReadString(out var name))
        {
            return reader.Fails("the name of a message", out error);
        }

        if (!reader.TryReadByte(out var count))
        {
            return reader.Fails("the number of arguments of a message", out error);
        }

        var start = reader.Position;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadString(out _))
            {
                return reader.Fails($"the name of argument {i + 1} of {count}", out error);
            }

            if (!reader.TryReadValue(out _))
            {
                return reader.Fails($"the value of argument {i + 1} of {count}", out error);
            }
        }

        message = new(name, count, reader.Source[start..reader.Position]);
        return true;
    }
}

/// <summary>The arguments of one message, walked in place with <c>foreach</c>.</summary>
public ref struct SpopArguments
{
    private SpopReader _reader;

    internal SpopArguments(ReadOnlySpan<byte> bytes, int count)
    {
        _reader = new SpopReader(bytes);
        Count = count;
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>The argument that <see cref="MoveNext"/> reached.</summary>
    public SpopArgument Current { get; private set; }

    /// <summary>The arguments from the first one on.</summary>
    public readonly SpopArguments GetEnumerator() => this;

    /// <summary>Goes to the next argument.</summary>
    public bool MoveNext()
    {
        if (_reader.End || !_reader.TryReadString(out var name) || !_reader.TryReadValue(out var value))
        {
            return false;
        }

        Current = new SpopArgument(name, value);
        return true;
    }
}
