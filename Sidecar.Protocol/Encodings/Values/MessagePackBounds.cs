using System.Diagnostics.CodeAnalysis;
using MessagePack;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>
/// What the package's reader leaves open: how deep containers nest, and headers of 32 bits whose counts it takes for negative.
/// </summary>
internal static class MessagePackBounds
{
    /// <summary>How many containers may be open at once; free JSON values stay far below it.</summary>
    internal const int MaxDepth = 64;

    /// <summary>Enters an array and returns its number of elements, which the bytes left can at least hold.</summary>
    internal static int EnterArray(this ref MessagePackReader reader) => Enter(ref reader, reader.ReadArrayHeader());

    /// <summary>Enters a map and returns its number of pairs, which the bytes left can at least hold.</summary>
    internal static int EnterMap(this ref MessagePackReader reader) => Enter(ref reader, reader.ReadMapHeader());

    /// <summary>Leaves the innermost container.</summary>
    internal static void Leave(this ref MessagePackReader reader) => reader.Depth--;

    /// <summary>
    /// Reads the bytes of a string or of binary, unchecked: the reference takes either where it expects text (spec §4.2). False, with
    /// nothing read, if another value comes next.
    /// </summary>
    internal static bool TryReadText(this scoped ref MessagePackReader reader, out ReadOnlySpan<byte> utf8)
    {
        var type = reader.NextMessagePackType;
        if (type == MessagePackType.String)
        {
            var isWhole = reader.TryReadStringSpan(out var text);
            utf8 = text;
            return isWhole;
        }

        utf8 = type == MessagePackType.Binary ? reader.ReadBytes().GetValueOrDefault().FirstSpan : default;
        return type == MessagePackType.Binary;
    }

    /// <summary>Steps over a value; unlike the package's own method it keeps to the bounds.</summary>
    internal static void SkipValue(this ref MessagePackReader reader)
    {
        if (reader.TryReadNil())
        {
            return; // What is stepped over most.
        }

        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Array:
                SkipValues(ref reader, reader.EnterArray());
                break;
            case MessagePackType.Map:
                SkipValues(ref reader, 2L * reader.EnterMap());
                break;
            default:
                reader.Skip();
                break;
        }
    }

    private static void SkipValues(ref MessagePackReader reader, long count)
    {
        for (; count > 0; count--)
        {
            reader.SkipValue();
        }

        reader.Leave();
    }

    private static int Enter(ref MessagePackReader reader, int count)
    {
        if (count < 0 || reader.Depth >= MaxDepth)
        {
            Refuse(count, reader.Consumed);
        }

        reader.Depth++;
        return count;
    }

    [DoesNotReturn]
    private static void Refuse(int count, long at) => throw new ProtocolException(count < 0
        ? $"a container claims {(uint)count} elements before byte {at}; there are not as many bytes"
        : $"containers nest deeper than the limit of {MaxDepth} before byte {at}");
}
