namespace Sidecar.Daemon.Configuration;

/// <summary>What a configuration is read and checked against besides itself: the machine, or what stands for it in a test. Immutable.</summary>
internal sealed record Surroundings
{
    /// <summary>The value of a variable of the environment; null where it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Whether there is a file.</summary>
    public Func<string, bool> FileExists { get; init; } = File.Exists;

    /// <summary>Whether there is a directory.</summary>
    public Func<string, bool> DirectoryExists { get; init; } = Directory.Exists;

    /// <summary>Whether the machine knows a group, by name or number.</summary>
    public required Func<string, bool> GroupExists { get; init; }
}
