using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>What is answered to one NOTIFY.</summary>
/// <param name="Exchange">The exchange.</param>
/// <param name="Verdict">The verdict.</param>
internal sealed record SpopAnswer(Exchange Exchange, Verdict Verdict)
{
    /// <summary>Whether HAProxy is to ask about the response too.</summary>
    public bool WantsResponse { get; init; }

    /// <summary>Whether the response's body is wanted too.</summary>
    public bool WantsResponseBody { get; init; }

    /// <summary>All changes of the response's headers so far.</summary>
    public IReadOnlyList<HeaderEdit> ResponseEdits { get; init; } = Verdict.ResponseHeaders;
}
