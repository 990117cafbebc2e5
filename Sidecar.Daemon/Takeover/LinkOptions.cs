namespace Sidecar.Daemon.Takeover;

/// <summary>What a link between two daemons bears.</summary>
internal sealed record LinkOptions
{
    /// <summary>What the listener speaks; a link between listeners that speak differently is of no use.</summary>
    public required string Kind { get; init; }

    /// <summary>Questions under way in each direction: 1,024, more responses than a proxy asks about in the 20 ms that one takes.</summary>
    public int MaxCalls { get; init; } = 1024;

    /// <summary>Bytes of the other's questions held at once: 64 MiB; beyond it they get no answer.</summary>
    public long MaxBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Unsent bytes: 8 MiB. A frame that finds no room in time is not sent.</summary>
    public int MaxUnsent { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long the other may take to introduce itself, or leave answers unread: 5 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
