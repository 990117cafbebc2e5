namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>What is left of a payload that is no proper message.</summary>
internal static partial class Codec<TReader, TWriter>
{
    /// <summary>
    /// Finds the correlation id in a payload that is no proper message, reading as far as the bytes make sense (spec §4.2, §5.1).
    /// </summary>
    /// <remarks>What was found so far is kept when the rest makes <see cref="Search"/> throw.</remarks>
    internal struct IdScanner
    {
        // By position: the id or the metadata first, the audit data sixth, and of these the custom ones fifth. In metadata the id is first.
        private static readonly MemberTable Members =
            new MemberTable(0, "correlation_id", "metadata", "audit").InOrder("correlation_id", "", "", "", "", "audit");

        private static readonly MemberTable Audit = new MemberTable(0, "custom").InOrder("", "", "", "", "custom");
        private static readonly MemberTable Metadata = new(1, "correlation_id");
        private static readonly MemberTable Custom = new(0, "correlation_id");

        private CorrelationId _inAudit;
        private CorrelationId _topLevel;
        private CorrelationId _inMetadata;

        /// <summary>The id by the order of spec §5.1.</summary>
        internal readonly CorrelationId Best => !_inAudit.IsEmpty ? _inAudit : !_topLevel.IsEmpty ? _topLevel : _inMetadata;

        internal void Search(ref TReader r)
        {
            var scope = r.BeginStruct();
            while (r.NextOrNull(ref scope, Members, out var member))
            {
                if (member == 1 || (!scope.IsMap && member == 0 && IsStruct(r.Kind)))
                {
                    Take(ref r, Metadata, ref _inMetadata);
                }
                else if (member == 0)
                {
                    Take(ref r, ref _topLevel);
                }
                else
                {
                    SearchAudit(ref r);
                }
            }
        }

        private static bool IsStruct(ValueKind kind) => kind is ValueKind.Map or ValueKind.Array;

        private void SearchAudit(ref TReader r)
        {
            if (!IsStruct(r.Kind))
            {
                r.Skip();
                return;
            }

            var scope = r.BeginStruct();
            while (r.NextOrNull(ref scope, Audit, out _))
            {
                Take(ref r, Custom, ref _inAudit);
            }
        }

        private static void Take(ref TReader r, MemberTable table, ref CorrelationId id)
        {
            if (!IsStruct(r.Kind))
            {
                r.Skip();
                return;
            }

            var scope = r.BeginStruct();
            while (r.NextOrNull(ref scope, table, out _))
            {
                Take(ref r, ref id);
            }
        }

        private static void Take(ref TReader r, ref CorrelationId id)
        {
            if (r.Kind is ValueKind.String or ValueKind.Binary)
            {
                id = r.ReadCorrelationId();
            }
            else
            {
                r.Skip();
            }
        }
    }
}
