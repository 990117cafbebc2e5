namespace Sidecar.Protocol.Spop;

/// <summary>The messages of one NOTIFY (proxy integration §1.4), checked whole before the first is handed out.</summary>
/// <remarks>Use with <c>foreach</c>; it walks in place and allocates nothing. All spans are parts of the payload.</remarks>
public ref struct SpopNotify
{
    // The first was read when all were checked; most often it is the only one.
    private readonly SpopMessage _first;
    private SpopReader _rest;
    private bool _isBegun;

    private SpopNotify(SpopMessage first, ReadOnlySpan<byte> rest, int count)
    {
        _first = first;
        _rest = new SpopReader(rest);
        Count = count;
    }

    /// <summary>How many messages there are, at least one.</summary>
    public int Count { get; }

    /// <summary>The message that <see cref="MoveNext"/> reached.</summary>
    public SpopMessage Current { get; private set; }

    /// <summary>Checks that every name and every value lies inside the payload.</summary>
    /// <param name="payload">The whole payload, all fragments joined.</param>
    /// <param name="notify">The messages.</param>
    /// <param name="error">What is wrong with it.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, out SpopNotify notify, out SpopError error)
    {
        notify = default;
        var reader = new SpopReader(payload);
        if (reader.End)
        {
            return SpopError.Fails("a NOTIFY without a message", out error);
        }

        if (!SpopMessage.TryRead(ref reader, out var first, out error))
        {
            return false;
        }

        var rest = payload[reader.Position..];
        var count = 1;
        for (; !reader.End; count++)
        {
            if (!SpopMessage.TryRead(ref reader, out _, out error))
            {
                return false;
            }
        }

        notify = new(first, rest, count);
        return true;
    }

    /// <summary>The messages from the first one on.</summary>
    public readonly SpopNotify GetEnumerator() => this;

    /// <summary>Goes to the next message.</summary>
    public bool MoveNext()
    {
        if (!_isBegun)
        {
            _isBegun = true;
            Current = _first;
            return Count > 0;
        }

        if (_rest.End || !SpopMessage.TryRead(ref _rest, out var message, out _))
        {
            return false;
        }

        Current = message;
        return true;
    }
}

/// <summary>One argument of a message.</summary>
/// <param name="name">The name in the configuration; empty if it gives none.</param>
/// <param name="value">The sample; NULL if it could not be fetched.</param>
public readonly ref struct SpopArgument(ReadOnlySpan<byte> name, SpopValue value)
{
    /// <summary>The name in the configuration; empty if it gives none.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The sample; NULL if it could not be fetched.</summary>
    public SpopValue Value { get; } = value;
}
