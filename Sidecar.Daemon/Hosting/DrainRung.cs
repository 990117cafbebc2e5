namespace Sidecar.Daemon.Hosting;

/// <summary>One step of the shutdown.</summary>
/// <param name="Name">What it does, as the log says it: "stop accepting".</param>
/// <param name="Limit">How long it may take before its token fires; more than zero.</param>
/// <param name="RunAsync">
/// Does it. When the token fires it aborts what is left and returns within <see cref="DrainLadder.AbortLimit"/>. On a hurried stop the
/// token may have fired before the rung starts; it still does what needs no waiting.
/// </param>
internal sealed record DrainRung(string Name, TimeSpan Limit, Func<CancellationToken, Task> RunAsync);
