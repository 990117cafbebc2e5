namespace Sidecar.Daemon.Control.Documents;

/// <summary>What is sent to <c>/v1/reload</c>.</summary>
/// <param name="DryRun">Whether nothing is changed, and only said what would be.</param>
internal sealed record ReloadOrder(bool DryRun = false);

/// <summary>What a reload did, or would do.</summary>
internal sealed record ReloadDocument
{
    /// <summary>Always <c>sidecar</c>: by this a client knows whom it has asked.</summary>
    public required string Daemon { get; init; }

    /// <summary>Who asked for it: <c>SIGHUP</c>, <c>admin</c> or <c>watch</c>.</summary>
    public required string Cause { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether nothing was changed and this is what would be.</summary>
    public bool DryRun { get; init; }

    /// <summary><c>applied</c>, <c>unchanged</c> or <c>refused</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>The number of the model that counts.</summary>
    public required long Generation { get; init; }

    /// <summary>Agents by their ids; absent where the configuration could not be read.</summary>
    public DifferenceDocument? Agents { get; init; }

    /// <summary>Listeners by their names.</summary>
    public DifferenceDocument? Listeners { get; init; }

    /// <summary>Routes by their ids.</summary>
    public DifferenceDocument? Routes { get; init; }

    /// <summary>Settings of the whole daemon that have another value.</summary>
    public IReadOnlyList<string>? Settings { get; init; }

    /// <summary>Everything for which it is refused.</summary>
    public required IReadOnlyList<string> Errors { get; init; }

    /// <summary>What can be used and is probably not meant.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>What became of agents, listeners or routes.</summary>
/// <param name="Added">New ones.</param>
/// <param name="Changed">Those that are written otherwise.</param>
/// <param name="Removed">Those that are gone.</param>
/// <param name="Unchanged">How many are as they were.</param>
internal sealed record DifferenceDocument(
    IReadOnlyList<string> Added, IReadOnlyList<string> Changed, IReadOnlyList<string> Removed, int Unchanged);

/// <summary>The configuration that counts.</summary>
/// <param name="Place">Where it was read: a path, or <c>the command line</c>.</param>
/// <param name="Generation">The number of the model; 1 is that of the start.</param>
/// <param name="LoadedAt">When it was read last with success.</param>
/// <param name="IsCurrent">Whether what was read last counts.</param>
/// <param name="IsDraining">Whether something that a change has made superfluous has not ended.</param>
/// <param name="LastReload">The last reload; absent when there was none since the start.</param>
internal sealed record ConfigurationDocument(
    string Place, long Generation, DateTimeOffset LoadedAt, bool IsCurrent, bool IsDraining, ReloadDocument? LastReload);
