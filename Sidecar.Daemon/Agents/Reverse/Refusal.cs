namespace Sidecar.Daemon.Agents.Reverse;

/// <summary>Why an agent is not let in.</summary>
/// <param name="Outcome">The reason as a name.</param>
/// <param name="Error">The reason in words, told to the agent where the protocol has an answer and to the log always. It may hold text of the peer.</param>
internal sealed record Refusal(RegistrationOutcome Outcome, string Error);
