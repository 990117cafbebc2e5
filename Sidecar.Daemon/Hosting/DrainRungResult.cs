namespace Sidecar.Daemon.Hosting;

/// <summary>What became of one rung of a shutdown.</summary>
/// <param name="Name">The rung.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Elapsed">How long it was waited for.</param>
/// <param name="Error">What it threw, with <see cref="DrainOutcome.Failed"/> only.</param>
internal sealed record DrainRungResult(string Name, DrainOutcome Outcome, TimeSpan Elapsed, Exception? Error = null);
