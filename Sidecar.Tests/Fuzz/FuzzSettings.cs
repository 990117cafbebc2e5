using System.Globalization;

namespace Sidecar.Tests.Fuzz;

/// <summary>What the environment says about fuzzing.</summary>
internal static class FuzzSettings
{
    /// <summary>Names an input, in hex or as a line of the corpus, to be run instead of any other.</summary>
    public const string InputVariable = "SIDECAR_FUZZ_INPUT";

    /// <summary>Names the seconds that all targets share.</summary>
    public const string SecondsVariable = "SIDECAR_FUZZ_SECONDS";

    /// <summary>Names the seed.</summary>
    public const string SeedVariable = "SIDECAR_FUZZ_SEED";

    // With the known inputs a minute in all.
    private const double DefaultSeconds = 55;

    /// <summary>The one input to run; null for all.</summary>
    public static byte[]? Input => Environment.GetEnvironmentVariable(InputVariable) is { Length: > 0 } line
        ? FuzzCorpus.BytesOf(line[0] is '"' or 'x' ? line : "x" + line)
        : null;

    /// <summary>What all targets share.</summary>
    public static TimeSpan Total => TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable(SecondsVariable) is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture)
            : DefaultSeconds);

    /// <summary>The seed.</summary>
    public static int Seed => Environment.GetEnvironmentVariable(SeedVariable) is { Length: > 0 } text
        ? int.Parse(text, CultureInfo.InvariantCulture) : 1;
}
