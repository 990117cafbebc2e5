using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Adds up what was said of the headers and then of the body of one message. Stateless.</summary>
internal static class VerdictSum
{
    /// <summary>The verdict on a message whose headers and body were judged one after the other.</summary>
    /// <param name="headers">What was said of the headers: an allow.</param>
    /// <param name="body">What was said of the body.</param>
    public static Verdict Of(Verdict headers, Verdict body) =>
        ReferenceEquals(headers, Verdict.Allow) ? body
        : ReferenceEquals(body, Verdict.Allow) ? headers
        : body with
        {
            Cause = body.Cause != Agents.Cause.None ? body.Cause : headers.Cause,
            RequestHeaders = HeaderEdits.Join(headers.RequestHeaders, body.RequestHeaders),
            ResponseHeaders = HeaderEdits.Join(headers.ResponseHeaders, body.ResponseHeaders),
            Audits = [.. headers.Audits, .. body.Audits],
        };
}
