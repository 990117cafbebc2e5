namespace Sidecar.Protocol.Messages;

/// <summary>What a guardrail looks for (spec §4.8).</summary>
public enum GuardrailInspectionType
{
    /// <summary>Prompt injection in request content: <c>prompt_injection</c>.</summary>
    PromptInjection,

    /// <summary>Personal data in response content: <c>pii_detection</c>.</summary>
    PiiDetection,
}

/// <summary>Text to be inspected by a guardrail (spec §4.8).</summary>
public sealed record GuardrailInspectEvent : AgentEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.GuardrailInspect;

    /// <summary>What to look for.</summary>
    public GuardrailInspectionType InspectionType { get; init; }

    /// <summary>The text.</summary>
    public required string Content { get; init; }

    /// <summary>The language model the text is for; left out of the message when null.</summary>
    public string? Model { get; init; }

    /// <summary>Categories to look for, for example <c>ssn</c>; empty means the agent's choice.</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>The route that named the agent; left out of the message when null.</summary>
    public string? RouteId { get; init; }

    /// <summary>Further facts.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = EmptyMap.OfStrings;
}
