using Google.Protobuf.WellKnownTypes;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// What the agents said, as dynamic metadata for Envoy's access log, for example <c>%DYNAMIC_METADATA(sidecar:rule)%</c> (proxy integration
/// §3.5.16). Stateless.
/// </summary>
/// <remarks>Plain texts only: a later message replaces them, where lists would grow.</remarks>
internal static class VerdictMetadata
{
    /// <summary>The namespace; the filter must list it under <c>metadata_options.receiving_namespaces.untyped</c>.</summary>
    public const string Namespace = "sidecar";

    // As long as the audit line that other proxies get.
    private const int MaxText = 1024;

    /// <summary>The metadata of a verdict; null when there is nothing to say.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="verdict">What was said about one of its messages.</param>
    /// <param name="isFirst">
    /// Whether this is the first answer of the exchange, which carries its id in any case: it joins Envoy's log with ours.
    /// </param>
    public static Struct? Of(Exchange exchange, Verdict verdict, bool isFirst)
    {
        var isSilent = verdict is { IsAllow: true, Audits.Count: 0 };
        if (isSilent && !isFirst)
        {
            return null;
        }

        var fields = new Struct();
        Add(fields, "id", exchange.Id.ToString());
        if (!isSilent)
        {
            Add(fields, "action", verdict.Kind.Label());
            Add(fields, "cause", verdict.Cause == Cause.None ? "" : verdict.Cause.Label());
            Add(fields, "agent", verdict.DecidedBy ?? "");
            Add(fields, "said", Join(verdict.Audits.Select(static audit => $"{audit.Agent}:{audit.Said}")));
            Add(fields, "rule", Join(verdict.Audits.SelectMany(static audit => audit.Audit.RuleIds)));
            Add(fields, "tags", Join(verdict.Audits.SelectMany(static audit => audit.Audit.Tags)));
            Add(fields, "reasons", Join(verdict.Audits.SelectMany(static audit => audit.Audit.ReasonCodes)));
        }

        return new Struct { Fields = { [Namespace] = Value.ForStruct(fields) } };
    }

    private static void Add(Struct fields, string name, string text)
    {
        if (text.Length > 0)
        {
            fields.Fields[name] = Value.ForString(text);
        }
    }

    // Control characters would break the lines of a log, half a surrogate pair the message.
    private static string Join(IEnumerable<string> words) => string.Concat(
        string.Join(',', words.Take(MaxText)).Take(MaxText).Select(static c => char.IsControl(c) || char.IsSurrogate(c) ? '_' : c));
}
