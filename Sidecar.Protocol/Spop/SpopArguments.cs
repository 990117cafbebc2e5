namespace Sidecar.Protocol.Spop;

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
