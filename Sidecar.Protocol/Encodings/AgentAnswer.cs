using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings;

/// <summary>A decoded answer with the id it carried.</summary>
/// <param name="CorrelationId">Empty when the answer carried none (in-order dialects).</param>
/// <param name="Response">What the agent said; <see cref="AgentResponse.Allow"/> itself for a plain allow.</param>
public readonly record struct AgentAnswer(CorrelationId CorrelationId, AgentResponse Response);
