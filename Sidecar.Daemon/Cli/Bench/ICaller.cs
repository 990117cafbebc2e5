namespace Sidecar.Daemon.Cli.Bench;

/// <summary>One call in flight after the other, for one worker of a benchmark.</summary>
internal interface ICaller
{
    /// <summary>Makes what must come before the next call, which is not measured; null when it went well, else what went wrong.</summary>
    ValueTask<string?> PrepareAsync() => default;

    /// <summary>Makes one call; null when it was answered, else what went wrong.</summary>
    ValueTask<string?> CallAsync();
}
