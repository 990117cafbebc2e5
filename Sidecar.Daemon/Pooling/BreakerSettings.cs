namespace Sidecar.Daemon.Pooling;

/// <summary>When a circuit breaker opens and how it closes.</summary>
internal sealed record BreakerSettings
{
    /// <summary>Never opens.</summary>
    public static readonly BreakerSettings Off = new()
    {
        FailurePercent = 0,
        MinCalls = int.MaxValue,
        Window = TimeSpan.FromSeconds(10),
        Consecutive = 0,
        OpenFor = TimeSpan.FromSeconds(2),
    };

    /// <summary>Opens when this share of the window's calls failed, 1 to 100; 0 means never by rate.</summary>
    public required int FailurePercent { get; init; }

    /// <summary>Calls that the window must hold before their rate says anything, at least 1.</summary>
    public required int MinCalls { get; init; }

    /// <summary>How far back failures count.</summary>
    public required TimeSpan Window { get; init; }

    /// <summary>Opens after this many failures in a row; 0 means never by number.</summary>
    public required int Consecutive { get; init; }

    /// <summary>How long nothing is asked before a first call is let through to find out.</summary>
    public required TimeSpan OpenFor { get; init; }

    /// <summary>
    /// As many more calls have to succeed than fail until it closes again. The protocol's own default is 2 in a row (spec §9.8): too few to
    /// tell an agent that is well from one of which half of the calls fail.
    /// </summary>
    public int TrialsToClose { get; init; } = 8;

    /// <summary>Whether it never opens.</summary>
    public bool IsOff => FailurePercent == 0 && Consecutive == 0;
}
