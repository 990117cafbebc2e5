using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Control;

/// <summary>Reads the configuration again while the daemon runs. Safe from any thread.</summary>
internal interface IReloads
{
    /// <summary>The configuration that counts, and what the last reload came to.</summary>
    ReloadState State { get; }

    /// <summary>
    /// Reads the configuration and follows it, or leaves all as it is and says why. What is asked for while one is under way is one more
    /// after it, however often it is asked for.
    /// </summary>
    /// <param name="cause">Who asks: a word for the log.</param>
    Task<ReloadResult> ReloadAsync(string cause);

    /// <summary>Reads and checks the configuration and says what a reload would do; changes nothing and is not remembered.</summary>
    Task<ReloadResult> TryAsync();
}

/// <summary>What a reload has come to.</summary>
internal enum ReloadOutcome
{
    /// <summary>The configuration counts from now on.</summary>
    Applied,

    /// <summary>It says what the one before it said.</summary>
    Unchanged,

    /// <summary>It cannot be used, and the one before it stays.</summary>
    Refused,
}

/// <summary>What a reload did, or would do.</summary>
/// <param name="Cause">Who asked for it.</param>
/// <param name="At">When it ended.</param>
/// <param name="Outcome">What it has come to.</param>
/// <param name="Generation">The number of the model that counts afterwards.</param>
internal sealed record ReloadResult(string Cause, DateTimeOffset At, ReloadOutcome Outcome, long Generation)
{
    /// <summary>What is otherwise than before; null where the configuration could not be read.</summary>
    public ConfigurationDifference? Difference { get; init; }

    /// <summary>Everything for which it was refused.</summary>
    public IReadOnlyList<string> Errors { get; init; } = [];

    /// <summary>What can be used and is probably not meant.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>The configuration that counts.</summary>
/// <param name="Place">Where it was read: a path, or <c>the command line</c>.</param>
/// <param name="LoadedAt">When it was read last with success.</param>
/// <param name="Last">The last reload; null when there was none since the start.</param>
internal sealed record ReloadState(string Place, DateTimeOffset LoadedAt, ReloadResult? Last)
{
    /// <summary>Why the daemon was started with the last good configuration instead of the one at its place; null when it was not.</summary>
    public string? LastGoodBecause { get; init; }

    /// <summary>Whether what was written last counts.</summary>
    public bool IsCurrent => LastGoodBecause is null && Last is not { Outcome: ReloadOutcome.Refused };
}
