using System.Buffers;
using System.Globalization;

namespace Sidecar.Tests.Support;

/// <summary>
/// Cuts bytes in every way a network can: in one piece, in two at each offset, a byte at a time, at random, with empty segments between.
/// Each piece lies in an array of its own with poison on both sides, so that a reader that leaves its segment sees wrong bytes.
/// </summary>
/// <remarks>The work grows with the square of the length: for inputs up to a few KiB.</remarks>
internal static class Fragmentation
{
    /// <summary>The byte around each piece; unlikely as a length, a type or text.</summary>
    public const byte Poison = 0xDB;

    private const int Margin = 3;

    /// <summary>All fragmentations of <paramref name="bytes"/>, in a fixed order for a fixed seed.</summary>
    public static IEnumerable<Fragmented> All(byte[] bytes, int seed = 1, int randomCount = 16)
    {
        yield return new("one piece", new ReadOnlySequence<byte>(bytes));
        yield return new("one piece inside a poisoned array", new ReadOnlySequence<byte>(Poisoned(bytes)));
        for (var at = 0; at <= bytes.Length; at++)
        {
            yield return new(string.Create(CultureInfo.InvariantCulture, $"cut at {at}"), Cut(bytes, [at]));
        }

        yield return new("one byte per segment", Cut(bytes, Enumerable.Range(1, Math.Max(0, bytes.Length - 1))));
        yield return new(
            "one byte per segment, empty ones around each",
            Cut(bytes, Enumerable.Range(0, bytes.Length + 1).SelectMany(at => new[] { at, at })));
        foreach (var random in Random(bytes, seed, randomCount))
        {
            yield return random;
        }
    }

    /// <summary>Only random cuts: <paramref name="count"/> of them, the same for the same seed.</summary>
    public static IEnumerable<Fragmented> Random(byte[] bytes, int seed, int count)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var cuts = Enumerable.Range(0, random.Next(1, 9)).Select(_ => random.Next(bytes.Length + 1)).Order().ToArray();
            yield return new($"seed {seed}: cut at {string.Join(',', cuts)}", Cut(bytes, cuts));
        }
    }

    /// <summary>The bytes cut at the given offsets, which ascend and may repeat (then an empty segment lies between).</summary>
    public static ReadOnlySequence<byte> Cut(byte[] bytes, IEnumerable<int> offsets)
    {
        Segment? first = null;
        Segment? last = null;
        var start = 0;
        foreach (var end in offsets.Append(bytes.Length))
        {
            last = new Segment(Poisoned(bytes.AsSpan(start..end)), last);
            first ??= last;
            start = end;
        }

        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
    }

    private static ReadOnlyMemory<byte> Poisoned(ReadOnlySpan<byte> piece)
    {
        var array = new byte[piece.Length + (2 * Margin)];
        array.AsSpan().Fill(Poison);
        piece.CopyTo(array.AsSpan(Margin));
        return array.AsMemory(Margin, piece.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
