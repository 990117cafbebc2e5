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

/// <summary>What a guardrail found (spec §4.11).</summary>
public sealed record GuardrailResponse
{
    /// <summary>Nothing found.</summary>
    public static GuardrailResponse Clean { get; } = new();

    /// <summary>True when something was found.</summary>
    public bool Detected { get; init; }

    /// <summary>0 to 1.</summary>
    public double Confidence { get; init; }

    /// <summary>What was found.</summary>
    public IReadOnlyList<GuardrailDetection> Detections { get; init; } = [];

    /// <summary>The text with the findings masked, when the agent can.</summary>
    public string? RedactedContent { get; init; }

    /// <summary>What a plain decision means for a guardrail call (spec §5.5, rule 5): anything but allow is a finding.</summary>
    public static GuardrailResponse FromDecision(Decision decision) => decision is AllowDecision
        ? Clean
        : new GuardrailResponse
        {
            Detected = true,
            Confidence = 1,
            Detections =
            [
                new GuardrailDetection
                {
                    Category = "agent_block",
                    Description = (decision as BlockDecision)?.Body ?? "the agent refused the content",
                    Severity = GuardrailSeverity.High,
                    Confidence = 1,
                },
            ],
        };
}

/// <summary>How bad a finding is.</summary>
public enum GuardrailSeverity
{
    /// <summary><c>low</c></summary>
    Low,

    /// <summary><c>medium</c>, the default</summary>
    Medium,

    /// <summary><c>high</c></summary>
    High,

    /// <summary><c>critical</c></summary>
    Critical,
}

/// <summary>One finding of a guardrail.</summary>
public sealed record GuardrailDetection
{
    /// <summary>What kind of finding.</summary>
    public required string Category { get; init; }

    /// <summary>For people.</summary>
    public string Description { get; init; } = "";

    /// <summary>How bad.</summary>
    public GuardrailSeverity Severity { get; init; } = GuardrailSeverity.Medium;

    /// <summary>0 to 1, or null.</summary>
    public double? Confidence { get; init; }

    /// <summary>Where in the content, or null.</summary>
    public TextSpan? Span { get; init; }
}

/// <summary>A range of the inspected content.</summary>
/// <param name="Start">First byte.</param>
/// <param name="End">One past the last byte.</param>
public readonly record struct TextSpan(ulong Start, ulong End);
