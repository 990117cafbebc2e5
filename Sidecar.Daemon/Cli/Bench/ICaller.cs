namespace Sidecar.Daemon.Cli.Bench;

/// <summary>One call in flight after the other, for one worker of a benchmark.</summary>
internal interface ICaller
{
    /// <summary>Makes one call; null when it was answered, else what went wrong.</summary>
    ValueTask<string?> CallAsync();
}
