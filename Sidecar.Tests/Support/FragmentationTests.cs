using System.Buffers;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed class FragmentationTests
{
    private static readonly byte[] Bytes = [1, 2, 3, 4, 5, 6, 7];

    [Test]
    public void EveryFragmentation_HoldsTheSameBytes([Values(0, 1, 2, 7)] int length)
    {
        foreach (var fragmented in Fragmentation.All(Bytes[..length]))
        {
            Assert.That(fragmented.Sequence.ToArray(), Is.EqualTo(Bytes[..length]), fragmented.Name);
        }
    }

    [Test]
    public void All_CutsAtEachOffsetAndIntoSingleBytes()
    {
        var all = Fragmentation.All(Bytes, randomCount: 0).ToDictionary(f => f.Name, f => Sizes(f.Sequence));

        Assert.That(all, Has.Count.EqualTo(2 + Bytes.Length + 1 + 2));
        for (var at = 0; at <= Bytes.Length; at++)
        {
            Assert.That(all[$"cut at {at}"], Is.EqualTo(new[] { at, Bytes.Length - at }));
        }

        Assert.That(all["one byte per segment"], Is.EqualTo(new[] { 1, 1, 1, 1, 1, 1, 1 }));
        Assert.That(all["one byte per segment, empty ones around each"], Has.Exactly(10).EqualTo(0).And.Exactly(7).EqualTo(1));
    }

    [Test]
    public void Random_RepeatsForTheSameSeedOnly()
    {
        string[] Names(int seed) => [.. Fragmentation.Random(Bytes, seed, 8).Select(f => f.Name.Split(':')[1])];

        var five = Names(5);
        Assert.That(Names(5), Is.EqualTo(five));
        Assert.That(Names(6), Is.Not.EqualTo(five));
    }

    [Test]
    public void Pieces_LieBetweenPoison()
    {
        foreach (var segment in Fragmentation.Cut(Bytes, [2, 5]))
        {
            Assert.That(MemoryMarshal.TryGetArray(segment, out var array), Is.True);
            Assert.That(array.Array![array.Offset - 1], Is.EqualTo(Fragmentation.Poison));
            Assert.That(array.Array![array.Offset + array.Count], Is.EqualTo(Fragmentation.Poison));
        }
    }

    private static int[] Sizes(ReadOnlySequence<byte> sequence)
    {
        var sizes = new List<int>();
        foreach (var segment in sequence)
        {
            sizes.Add(segment.Length);
        }

        return [.. sizes];
    }
}
