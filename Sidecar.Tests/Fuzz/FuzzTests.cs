using NUnit.Framework;

namespace Sidecar.Tests.Fuzz;

/// <summary>
/// Every entry point for bytes of a peer reads them or refuses them, in bounded time and memory; one minute in all, <c>scripts/fuzz.sh</c> for more.
/// </summary>
[NonParallelizable]
[Category("Fuzz")]
internal sealed class FuzzTests
{
    // Beyond its share a target gets this long before it counts as hanging.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static IReadOnlyList<FuzzTarget> Targets => FuzzTargets.All;

    [TestCaseSource(nameof(Targets))]
    public Task KnownInputs_AreReadOrRefused(FuzzTarget target) => CheckAsync(target, static fuzzer => fuzzer.RunKnown());

    [TestCaseSource(nameof(Targets))]
    public async Task ChangedInputs_AreReadOrRefused(FuzzTarget target)
    {
        var report = await CheckAsync(target, static fuzzer => fuzzer.Run(FuzzSettings.Total / FuzzTargets.All.Count));

        await TestContext.Out.WriteLineAsync(
            $"{target}: {report.Inputs} inputs, {report.Kinds.Count} kinds of ends, seed {FuzzSettings.Seed}");
        Assert.That(report.Inputs, Is.Positive);
    }

    [Test]
    public void Corpus_HasFilesOfTargetsOnly() => Assert.That(FuzzCorpus.OfTests.Targets,
        Is.SubsetOf(Targets.Select(static target => target.Name)));

    [Test]
    public void Targets_HaveNamesOfTheirOwnAndSomethingToBeginWith()
    {
        Assert.That(Targets.Select(static target => target.Name), Is.Unique);
        Assert.That(Targets.Where(static target => target.Seeds.Count + FuzzCorpus.OfTests.Of(target.Name).Count == 0), Is.Empty);
    }

    [Test]
    public void Targets_ReadSomethingAndRefuseSomething()
    {
        var lazy = Targets.Where(static target =>
        {
            var known = Known(target);
            var report = new Fuzzer(target, known, 1, TimeProvider.System).RunKnown();
            return report.Finding is null && report.Kinds.Keys.All(static kind => kind.StartsWith("refused", StringComparison.Ordinal));
        });

        Assert.That(lazy, Is.Empty, "a target whose seeds are all refused tests nothing behind its first check");
    }

    private static async Task<FuzzReport> CheckAsync(FuzzTarget target, Func<Fuzzer, FuzzReport> run)
    {
        var fuzzer = new Fuzzer(target, Known(target), FuzzSettings.Seed, TimeProvider.System);
        if (FuzzSettings.Input is { } only)
        {
            run = fuzzer => new FuzzReport(1, new Dictionary<string, byte[]>(StringComparer.Ordinal), fuzzer.Try(only));
        }

        FuzzReport report;
        try
        {
            report = await Task.Run(() => run(fuzzer)).WaitAsync(FuzzSettings.Total + Patience, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            throw new AssertionException(new FuzzFinding(target.Name, fuzzer.Current, "it does not end").ToString());
        }

        Assert.That(report.Finding, Is.Null, () => report.Finding!.ToString());
        return report;
    }

    private static IReadOnlyList<byte[]> Known(FuzzTarget target) => [.. FuzzCorpus.OfTests.Of(target.Name), .. target.Seeds];
}
