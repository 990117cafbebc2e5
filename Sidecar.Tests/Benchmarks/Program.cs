using BenchmarkDotNet.Running;
using Sidecar.Tests.Fuzz;

namespace Sidecar.Tests.Benchmarks;

/// <summary>
/// What the test assembly does besides testing: the micro benchmarks (<c>scripts/bench.sh --micro</c>), and fuzzing for hours (<c>scripts/fuzz.sh</c>).
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["fuzz", ..])
        {
            return FuzzCommand.Run(arguments.AsSpan(1));
        }

        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
        return 0;
    }
}
