using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>The merge of what all agents of a route said about one event. Immutable.</summary>
internal sealed record Verdict
{
    /// <summary>Pass, nothing to change, nobody to ask.</summary>
    public static Verdict Allow { get; } = new();

    /// <summary>Refused by ourselves, without an agent's word.</summary>
    /// <param name="cause">Why.</param>
    /// <param name="audits">What agents said for the record all the same; null for nothing.</param>
    public static Verdict Refused(Cause cause, IReadOnlyList<AgentAudit>? audits = null) =>
        new() { Kind = VerdictKind.FailedClosed, Cause = cause, Audits = audits ?? [] };

    /// <summary>What is to be done.</summary>
    public VerdictKind Kind { get; init; }

    /// <summary>The winning decision: block, challenge or redirect; null for allow and failed-closed.</summary>
    public Decision? Decision { get; init; }

    /// <summary>The agent that decided, or that failed.</summary>
    public string? DecidedBy { get; init; }

    /// <summary>Why an agent could not be heard: with failed-closed the one that counts, with allow the first that was bypassed.</summary>
    public Cause Cause { get; init; }

    /// <summary>
    /// After how many seconds the client may try again, where the agent had more to do than it can; 0 where nothing tells.
    /// </summary>
    public int RetryAfter { get; init; }

    /// <summary>Which half of the exchange it is about.</summary>
    public Direction Direction { get; init; }

    /// <summary>Changes of the request's headers.</summary>
    public IReadOnlyList<HeaderEdit> RequestHeaders { get; init; } = [];

    /// <summary>Changes of the response's headers.</summary>
    public IReadOnlyList<HeaderEdit> ResponseHeaders { get; init; } = [];

    /// <summary>What happens to the WebSocket frame; null for other events.</summary>
    public WebSocketDecision? WebSocket { get; init; }

    /// <summary>What the guardrails found; null for other events.</summary>
    public GuardrailResponse? Guardrail { get; init; }

    /// <summary>Routing hints of all agents; later ones win.</summary>
    public IReadOnlyDictionary<string, string>? RoutingMetadata { get; init; }

    /// <summary>What each agent said for the record, in route order.</summary>
    public IReadOnlyList<AgentAudit> Audits { get; init; } = [];

    /// <summary>Whether the request may go on.</summary>
    public bool IsAllow => Kind == VerdictKind.Allow;

    /// <summary>The verdict on two events that are judged one after the other, such as the headers and the body of a message.</summary>
    /// <param name="next">What is said of the second; this one, of the first, is an allow.</param>
    public Verdict Then(Verdict next) =>
        ReferenceEquals(this, Allow) ? next
        : ReferenceEquals(next, Allow) ? this
        : next with
        {
            Cause = next.Cause != Cause.None ? next.Cause : Cause,
            RequestHeaders = HeaderEdits.Join(RequestHeaders, next.RequestHeaders),
            ResponseHeaders = HeaderEdits.Join(ResponseHeaders, next.ResponseHeaders),
            Audits = [.. Audits, .. next.Audits],
        };
}

/// <summary>One agent's words for the record.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Said">Its decision or why there is none: a bounded word, for example <c>allow</c>, <c>block</c>, <c>timeout</c>.</param>
/// <param name="Audit">What it added.</param>
internal sealed record AgentAudit(string Agent, string Said, AuditMetadata Audit);

/// <summary>What is to be done with a request, ordered by precedence: a greater one wins over a lesser (rule 2).</summary>
internal enum VerdictKind
{
    /// <summary>It passes, with the header edits.</summary>
    Allow = 0,

    /// <summary>It is refused because an agent that must be heard could not be.</summary>
    FailedClosed = 1,

    /// <summary>The client is sent elsewhere.</summary>
    Redirect = 2,

    /// <summary>The client must prove something first.</summary>
    Challenge = 3,

    /// <summary>It is refused.</summary>
    Block = 4,
}

/// <summary>Names of verdicts.</summary>
internal static class VerdictKinds
{
    private static readonly string[] Names = ["allow", "failed-closed", "redirect", "challenge", "block"];

    /// <summary>The verdict's name in headers and label values.</summary>
    public static string Label(this VerdictKind kind) => Names[(int)kind];
}
