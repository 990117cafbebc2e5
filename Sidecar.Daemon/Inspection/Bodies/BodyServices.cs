using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>What all flows share.</summary>
/// <param name="Memory">The budget of the bytes that the daemon may hold.</param>
/// <param name="Copies">The budget of the bytes that may be held for agents that only watch.</param>
/// <param name="Errors">Where wrong answers are logged.</param>
/// <param name="Time">The clock of the deadlines.</param>
internal sealed record BodyServices(ByteBudget Memory, ByteBudget Copies, AnswerErrorLog Errors, TimeProvider Time);
