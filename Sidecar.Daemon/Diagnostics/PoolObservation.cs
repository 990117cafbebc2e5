namespace Sidecar.Daemon.Diagnostics;

/// <summary>One agent's pool at a moment, for gauges.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="State">Its state, as the gauge numbers them.</param>
/// <param name="Breaker">Its circuit breaker: 0 closed, 1 half-open, 2 open.</param>
/// <param name="Running">Calls that hold a slot.</param>
/// <param name="Waiting">Calls that wait for one.</param>
/// <param name="Available">Connections that take new exchanges.</param>
/// <param name="Paused">Connections that the agent has paused.</param>
internal readonly record struct PoolObservation(string Agent, int State, int Breaker, int Running, int Waiting, int Available, int Paused);
