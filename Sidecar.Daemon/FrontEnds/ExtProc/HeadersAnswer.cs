using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>The answer about the headers of one direction. It may wait for the body; until it is sent, edits join it.</summary>
internal sealed class HeadersAnswer(ExtProcExchange exchange, ExtProcDirection half)
{
    private IReadOnlyList<HeaderEdit> _edits = [];
    private Verdict _said = Verdict.Allow;
    private Cause _bypassed;

    /// <summary>Whether it is out.</summary>
    public bool IsSent { get; private set; }

    /// <summary>Other modes to ask Envoy for; null for none.</summary>
    public ProcessingMode? Override { get; set; }

    /// <summary>Adds what an allow changes; edits of the other direction are kept for it, or counted.</summary>
    public void Add(Verdict verdict)
    {
        _edits = HeaderEdits.Join(_edits, EditsOf(verdict));
        _bypassed = _bypassed == Cause.None ? verdict.Cause : _bypassed;
        _said = verdict.Audits.Count == 0 ? _said : verdict with { Audits = [.. _said.Audits, .. verdict.Audits] };
    }

    /// <summary>What an allow about a later part changes, into the answer about that part.</summary>
    /// <param name="verdict">The allow.</param>
    /// <param name="mutation">Where the edits of this direction go; null when its headers are gone.</param>
    /// <returns>False when the exchange must not go on.</returns>
    public bool TryCarryLater(Verdict verdict, HeaderMutation? mutation)
    {
        var edits = EditsOf(verdict);
        if (mutation is not null && half.Direction == Direction.Request && _bypassed == Cause.None)
        {
            _bypassed = verdict.Cause;
            EnvoyEdits.Mark(mutation, _bypassed);
            if (_bypassed == Cause.None && half.Headers.Own.Contains(EnvoyEdits.Bypassed))
            {
                mutation.RemoveHeaders.Add(EnvoyEdits.Bypassed);
            }
        }

        return EnvoyEdits.TryCarry(edits, half.Direction, half.Headers.Headers, exchange.Exchange, mutation);
    }

    /// <summary>Sends it, once.</summary>
    /// <returns>How the stream ends, when the edits cannot be carried; else null.</returns>
    public async ValueTask<ExtProcEnd?> SendAsync()
    {
        if (IsSent || exchange.IsObserving)
        {
            return null;
        }

        IsSent = true;
        var isRequest = half.Direction == Direction.Request;
        var edits = isRequest ? _edits : HeaderEdits.Join(exchange.TakeResponseEdits(), _edits);
        var mutation = new HeaderMutation();
        if (!EnvoyEdits.TryCarry(edits, half.Direction, half.Headers.Headers, exchange.Exchange, mutation))
        {
            return await exchange.RefuseAsync(Cause.Unapplied, _said.Audits).ConfigureAwait(false);
        }

        if (isRequest)
        {
            // Envoy removes before it sets, so the mark stays. While the headers still wait for the body, so does a mark that somebody set
            // before us: it is taken away with the answer about the body, and is there when that never comes and the filter fails open.
            var waits = half.IsWanted && exchange.Modes.Of(Direction.Request) is BodySendMode.Buffered or BodySendMode.BufferedPartial;
            foreach (var name in half.Headers.Own)
            {
                if (!(waits && name == EnvoyEdits.Bypassed) && !mutation.RemoveHeaders.Contains(name))
                {
                    mutation.RemoveHeaders.Add(name);
                }
            }

            EnvoyEdits.Mark(mutation, _bypassed);
        }

        // Not every release removes it by itself before a body may change that does not come whole (proxy integration §3.5.8).
        if (half.IsWanted && half.Headers.ContentLength is not null
            && exchange.Modes.Of(half.Direction)
                is BodySendMode.Streamed or BodySendMode.BufferedPartial or BodySendMode.FullDuplexStreamed)
        {
            mutation.RemoveHeaders.Add("content-length");
        }

        if (!EnvoyEdits.Fits(half.Headers, mutation, exchange.Options.MaxEnvoyHeaders))
        {
            EnvoyEdits.NoteTooMany(exchange.Exchange, half.Direction);
            return await exchange.RefuseAsync(Cause.Unapplied, _said.Audits, half.Direction).ConfigureAwait(false);
        }

        var isSame = mutation.SetHeaders.Count + mutation.RemoveHeaders.Count == 0;
        var response = new HeadersResponse { Response = new CommonResponse { HeaderMutation = isSame ? null : mutation } };
        var answer = isRequest
            ? new ProcessingResponse { RequestHeaders = response }
            : new ProcessingResponse { ResponseHeaders = response };
        answer.ModeOverride = Override;
        await exchange.SendAsync(answer, _said).ConfigureAwait(false);
        return null;
    }

    // Those of this direction; those of the other are kept for it, or counted.
    private IReadOnlyList<HeaderEdit> EditsOf(Verdict verdict)
    {
        if (half.Direction == Direction.Request)
        {
            exchange.KeepForResponse(verdict.ResponseHeaders);
            return verdict.RequestHeaders;
        }

        // The request is long gone: no reason to refuse what the upstream has answered already.
        if (!exchange.IsObserving)
        {
            var headers = exchange.RequestHeaders.Headers;
            EnvoyEdits.TryCarry(verdict.RequestHeaders, Direction.Request, headers, exchange.Exchange, mutation: null);
        }

        return verdict.ResponseHeaders;
    }
}
