using BenchmarkDotNet.Running;

namespace Sidecar.Tests.Benchmarks;

/// <summary>Runs the micro benchmarks: <c>dotnet run -c Release --project Sidecar.Tests -- --filter '*'</c>.</summary>
internal static class Program
{
    private static void Main(string[] arguments) =>
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
}
