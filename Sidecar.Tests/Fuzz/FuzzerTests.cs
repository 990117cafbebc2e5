using NUnit.Framework;

namespace Sidecar.Tests.Fuzz;

/// <summary>The fuzzer itself: it finds what is planted, tells it so that it can be had again, and does the same for the same seed.</summary>
internal sealed class FuzzerTests
{
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(120);

    private static readonly byte[][] Seed = ["{\"decision\":{\"block\":{\"status\":403}}}"u8.ToArray()];

    [Test]
    public void ADefectInTheInput_IsFoundWithItsInput()
    {
        var finding = Find(static input => input.AsSpan().IndexOf("}}}"u8) < 0 && input.AsSpan().IndexOf("\"status\""u8) > 0
            ? throw new InvalidOperationException("planted") : "fine");

        Assert.That(finding?.What, Does.Contain("planted"));
        Assert.That(finding!.Input.AsSpan().IndexOf("\"status\""u8), Is.Positive);
        Assert.That(finding.ToString(), Does.Contain(Convert.ToHexString(finding.Input)));
    }

    [Test]
    public void AClaimThatIsBelieved_IsTooMuchMemory() =>
        Assert.That(Find(static input => new byte[input.Length > 0 && input[0] == 0xFF ? 4_000_000 : 1].Length > 0 ? "read" : "")?.What,
            Does.Contain("bytes are allocated"));

    [Test]
    public void AMemberTwice_IsMade() =>
        Assert.That(Find(static input => Count(input, "\"status\""u8) > 1 ? throw new FuzzException("twice") : "once")?.What,
            Is.EqualTo("twice"));

    [Test]
    public void DeepNesting_IsMade() => Assert.That(
        Find(static input => Count(input, "["u8) > 64 ? throw new FuzzException("deep") : "flat")?.What, Is.EqualTo("deep"));

    [Test]
    public void SameSeed_MakesTheSameInputs([Values(1, 7)] int seed)
    {
        var first = Inputs(seed);

        Assert.That(Inputs(seed), Is.EqualTo(first));
        Assert.That(Inputs(seed + 1), Is.Not.EqualTo(first));
    }

    [TestCase(new byte[] { })]
    [TestCase(new byte[] { 0, 1, 2, 255 })]
    [TestCase(new byte[] { (byte)'"', (byte)'\\', (byte)'\n', (byte)'a', 0xC3, 0xBC })]
    [TestCase(new byte[] { (byte)'a', 0xFF })]
    public void Line_OfAnyInput_IsReadBack(byte[] input) => Assert.That(FuzzCorpus.BytesOf(FuzzCorpus.LineOf(input)), Is.EqualTo(input));

    private static FuzzFinding? Find(Func<byte[], string> run) =>
        new Fuzzer(new FuzzTarget("planted", run, []), Seed, 1, TimeProvider.System).Run(Enough).Finding;

    private static List<byte[]> Inputs(int seed)
    {
        var inputs = new List<byte[]>();
        var target = new FuzzTarget("recorded", input =>
        {
            inputs.Add(input);
            return inputs.Count < 1000 ? $"{input.Length % 7}" : throw new FuzzException("enough");
        }, []);
        Assert.That(new Fuzzer(target, Seed, seed, TimeProvider.System).Run(Enough).Finding?.What, Is.EqualTo("enough"));
        return inputs;
    }

    private static int Count(ReadOnlySpan<byte> input, ReadOnlySpan<byte> what)
    {
        var count = 0;
        for (var at = input.IndexOf(what); at >= 0; at = input.IndexOf(what))
        {
            count++;
            input = input[(at + what.Length)..];
        }

        return count;
    }
}
