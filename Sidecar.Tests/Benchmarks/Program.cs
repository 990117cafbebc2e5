using BenchmarkDotNet.Running;

namespace Sidecar.Tests.Benchmarks;

/// <summary>Runs the micro benchmarks: <c>scripts/bench.sh --micro</c>.</summary>
internal static class Program
{
    private static void Main(string[] arguments) =>
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
}
