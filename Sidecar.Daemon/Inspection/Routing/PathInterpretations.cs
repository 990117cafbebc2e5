using System.Buffers;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>
/// All that servers, one behind the other, may read in a path: the path as it came, what each <see cref="PathStep"/> makes of it, what each
/// step makes of that, and so on until nothing new comes. No order of the steps is left out, and none is taken for more likely.
/// </summary>
/// <remarks>
/// Few paths of honest clients have more than three readings. The client chooses the path, so work and memory have a bound: what has more
/// readings than that is <see cref="IsIncomplete"/>. Allocates nothing; to be disposed of.
/// </remarks>
internal ref struct PathInterpretations
{
    /// <summary>
    /// Chars of all readings together: an ordinary proxy takes targets of 8 KiB, and escapes of a longer one may still be decoded.
    /// </summary>
    public const int MaxChars = 64 * 1024;

    /// <summary>How many there may be.</summary>
    public const int MaxCount = 256;

    private readonly char[] _room = ArrayPool<char>.Shared.Rent(MaxChars);
    private readonly Reading[] _readings = ArrayPool<Reading>.Shared.Rent(MaxCount);
    private readonly bool _tellsDecoded;
    private int _count;
    private int _used;
    private int _current = -1;

    /// <summary>The readings of a path.</summary>
    /// <param name="rawPath">What <see cref="PathNormalizer.RawPath(ReadOnlySpan{char})"/> returned.</param>
    /// <param name="tellsDecoded">Whether a reading with every escape decoded is another one although the chars are the same.</param>
    public PathInterpretations(ReadOnlySpan<char> rawPath, bool tellsDecoded = false)
    {
        _tellsDecoded = tellsDecoded;
        if (HasRoom(rawPath.Length))
        {
            rawPath.CopyTo(_room);
            Add(rawPath.Length, isDecoded: false);
        }
    }

    public readonly ReadOnlySpan<char> Current => Chars(_readings[_current]);

    /// <summary>Whether every escape was decoded on the way to it; always false where that is not told.</summary>
    public readonly bool IsDecoded => _readings[_current].IsDecoded;

    /// <summary>Whether there are more readings than were found.</summary>
    public bool IsIncomplete { get; private set; }

    /// <summary>Goes to the next reading, the path as it came first.</summary>
    public bool MoveNext()
    {
        if (_current >= 0)
        {
            FindMore(_readings[_current]);
        }

        return ++_current < _count;
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Dispose()
    {
        ArrayPool<char>.Shared.Return(_room);
        ArrayPool<Reading>.Shared.Return(_readings);
    }

    private void FindMore(Reading from)
    {
        var path = Chars(from);
        foreach (var step in PathSteps.All)
        {
            var isDecoded = from.IsDecoded || (_tellsDecoded && step == PathStep.Decode);
            if (!PathSteps.MayChange(step, path) && isDecoded == from.IsDecoded)
            {
                continue;
            }

            if (!HasRoom(path.Length + 1))
            {
                return;
            }

            var length = PathSteps.Apply(step, path, _room.AsSpan(_used));
            if (IsNew(_room.AsSpan(_used, length), isDecoded))
            {
                Add(length, isDecoded);
            }
        }
    }

    private bool HasRoom(int length)
    {
        IsIncomplete |= _count == MaxCount || length > MaxChars - _used;
        return !IsIncomplete;
    }

    private readonly bool IsNew(ReadOnlySpan<char> path, bool isDecoded)
    {
        foreach (var known in _readings.AsSpan(0, _count))
        {
            if (known.Length == path.Length && known.IsDecoded == isDecoded && path.SequenceEqual(Chars(known)))
            {
                return false;
            }
        }

        return true;
    }

    private void Add(int length, bool isDecoded)
    {
        _readings[_count++] = new Reading(_used, length, isDecoded);
        _used += length;
    }

    private readonly ReadOnlySpan<char> Chars(Reading reading) => _room.AsSpan(reading.Start, reading.Length);

    private readonly record struct Reading(int Start, int Length, bool IsDecoded);
}
