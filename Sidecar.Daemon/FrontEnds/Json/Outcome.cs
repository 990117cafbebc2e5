using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>The verdicts on the events of one question, one after the other, as one. The first that is not allow is the last.</summary>
internal sealed class Outcome
{
    private readonly List<HeaderEdit> _request = [];
    private readonly List<HeaderEdit> _response = [];
    private readonly List<AgentAudit> _audits = [];

    /// <summary>The verdict that counts.</summary>
    public Verdict Verdict { get; private set; } = Verdict.Allow;

    /// <summary>Why an agent was not heard, or not in full; none when all were.</summary>
    public Cause Cause { get; private set; }

    /// <summary>Changes of the request's headers, one per name.</summary>
    public IReadOnlyList<HeaderEdit> RequestHeaders => _request;

    /// <summary>Changes of the response's headers, one per name.</summary>
    public IReadOnlyList<HeaderEdit> ResponseHeaders => _response;

    /// <summary>What the agents said.</summary>
    public IReadOnlyList<AgentAudit> Audits => _audits;

    /// <summary>Adds the verdict on the next event.</summary>
    public void Add(Verdict verdict)
    {
        Verdict = verdict;
        _audits.AddRange(verdict.Audits);
        Cause = verdict.Kind == VerdictKind.FailedClosed || Cause == Cause.None ? verdict.Cause : Cause;
        if (!verdict.IsAllow)
        {
            _request.Clear();
            _response.Clear();
            return;
        }

        Merge(_request, verdict.RequestHeaders);
        Merge(_response, verdict.ResponseHeaders);
    }

    /// <summary>Adds changes of our own, before those of the agents.</summary>
    public void Remove(string requestHeader) => _request.Add(new HeaderEdit(requestHeader, KeepOriginal: false, []));

    /// <summary>The request has gone: changes of its headers come too late.</summary>
    public void ForgetRequestHeaders() => _request.Clear();

    private static void Merge(List<HeaderEdit> edits, IReadOnlyList<HeaderEdit> later)
    {
        foreach (var edit in later)
        {
            var place = edits.FindIndex(known => known.Name == edit.Name);
            if (place < 0)
            {
                edits.Add(edit);
            }
            else
            {
                edits[place] = edit.KeepOriginal ? edit with { KeepOriginal = edits[place].KeepOriginal, Values = [.. edits[place].Values, .. edit.Values] } : edit;
            }
        }
    }
}
