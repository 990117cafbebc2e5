using System.Globalization;

namespace Sidecar.Tests.Fuzz;

/// <summary>
/// Fuzzes for hours: <c>scripts/fuzz.sh</c>. Every round of a target has a seed of its own; what is found, and inputs with new ends, go into the corpus.
/// </summary>
internal static class FuzzCommand
{
    private const string FolderVariable = "SIDECAR_FUZZ_CORPUS";
    private const int MostSaved = 10;
    private const int LongestSaved = 600;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(20);

    /// <summary>Runs it.</summary>
    /// <param name="arguments">Hours, and names of targets or their beginnings; none for all.</param>
    /// <returns>0 when nothing was found, 1 when something was, 2 when the arguments are wrong.</returns>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments.IsEmpty || !double.TryParse(arguments[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var hours)
            || hours <= 0)
        {
            Console.Error.WriteLine("fuzz: say for how many hours, for example 0.5, and which targets if not all");
            return 2;
        }

        var names = arguments[1..].ToArray();
        var targets = FuzzTargets.All.Where(target => names.Length == 0
            || names.Any(name => target.Name.StartsWith(name, StringComparison.Ordinal))).ToList();
        if (targets.Count == 0)
        {
            Console.Error.WriteLine(
                $"fuzz: no target begins with {string.Join(" or ", names)}; there are {string.Join(", ", FuzzTargets.All)}");
            return 2;
        }

        var corpus = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? new FuzzCorpus(folder)
            : FuzzCorpus.OfTests;
        using var last = File.OpenHandle(Path.Combine(Path.GetTempPath(), "sidecar-fuzz.last"), FileMode.Create, FileAccess.Write);
        var found = Run(targets, TimeSpan.FromHours(hours), corpus, input =>
        {
            RandomAccess.SetLength(last, input.Length);
            RandomAccess.Write(last, input, 0);
        });
        return found ? 1 : 0;
    }

    private static bool Run(List<FuzzTarget> targets, TimeSpan duration, FuzzCorpus corpus, Action<byte[]> before)
    {
        var (time, found, saved) = (TimeProvider.System, false, targets.ToDictionary(static target => target.Name, static _ => 0));
        var start = time.GetTimestamp();
        var share = duration / targets.Count < Round ? duration / targets.Count : Round;
        while (time.GetElapsedTime(start) < duration)
        {
            foreach (var target in targets)
            {
                var seed = Random.Shared.Next();
                var fuzzer = new Fuzzer(target, [.. corpus.Of(target.Name), .. target.Seeds], seed, time) { Before = before };
                var old = fuzzer.RunKnown();
                var known = old.Kinds.Keys.ToHashSet(StringComparer.Ordinal);
                var began = time.GetTimestamp();
                var report = old.Finding is null ? fuzzer.Run(share) : old;
                var seconds = Math.Max(0.001, time.GetElapsedTime(began).TotalSeconds);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{target.Name,-26} seed {seed,10}  {report.Inputs,9} inputs  {report.Inputs / seconds,8:0}/s  {report.Kinds.Count,4} ends, {report.Kinds.Count - known.Count,3} new"));
                if (report.Finding is { } finding)
                {
                    found = true;
                    var shorter = finding with { Input = fuzzer.Shorten(finding.Input) };
                    Console.WriteLine(shorter);
                    corpus.Add(target.Name, shorter.Input, finding.What.Split('\n')[0]);
                }

                foreach (var (kind, input) in report.Kinds.Where(kind => !known.Contains(kind.Key) && saved[target.Name]++ < MostSaved))
                {
                    var shorter = fuzzer.Shorten(input);
                    if (shorter.Length <= LongestSaved)
                    {
                        corpus.Add(target.Name, shorter, kind);
                    }
                }
            }
        }

        return found;
    }
}
