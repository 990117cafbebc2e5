namespace Sidecar.Daemon.Cli.Bench;

/// <summary>One call in flight after the other, for one worker of a benchmark.</summary>
internal interface ICaller
{
    /// <summary>Messages sent and answered so far, whether measured or not. Read by others while the worker counts on.</summary>
    long Messages { get; }

    /// <summary>Exchanges of which every message was answered, so far.</summary>
    long Exchanges { get; }

    /// <summary>Makes what must come before the next call, which is not timed; null when it went well, else what went wrong.</summary>
    ValueTask<string?> PrepareAsync() => default;

    /// <summary>Makes one call; null when it was answered, else what went wrong.</summary>
    ValueTask<string?> CallAsync();
}
