using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>Merges what guardrails found.</summary>
internal static class GuardrailFindings
{
    private static readonly GuardrailResponse Unheard = new()
    {
        Detected = true,
        Confidence = 1,
        Detections =
        [
            new GuardrailDetection
            {
                Category = "inspection_unavailable",
                Description = "a guardrail that must be heard could not be",
                Severity = GuardrailSeverity.High,
                Confidence = 1,
            },
        ],
    };

    /// <summary>Everything any guardrail found; a redirect or challenge counts like a block (spec §5.5).</summary>
    /// <param name="answers">
    /// The answers in route order; null for a guardrail that had to be heard and was not, which is a finding, because the asker looks at
    /// the findings first.
    /// </param>
    public static GuardrailResponse Merge(IEnumerable<AgentResponse?> answers)
    {
        var found = answers
            .Select(static answer => answer is null ? Unheard : answer.Guardrail ?? GuardrailResponse.FromDecision(answer.Decision))
            .ToList();
        return found.Count == 1 ? found[0] : new GuardrailResponse
        {
            Detected = found.Exists(static one => one.Detected),
            Confidence = found.Count == 0 ? 0 : found.Max(static one => one.Confidence),
            Detections = [.. found.SelectMany(static one => one.Detections)],
            RedactedContent = found.LastOrDefault(static one => one.RedactedContent is not null)?.RedactedContent,
        };
    }
}
