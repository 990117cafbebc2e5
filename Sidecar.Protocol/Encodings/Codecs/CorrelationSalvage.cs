using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Finds the correlation id in a payload that is no proper message, reading as far as the bytes make sense (spec §4.2, §5.1).</summary>
/// <remarks>What was found so far is kept when the rest makes <see cref="Search"/> throw.</remarks>
internal struct CorrelationSalvage
{
    private const int AuditPosition = 6;
    private const int CustomPosition = 5;

    private CorrelationId _inAudit;
    private CorrelationId _topLevel;
    private CorrelationId _inMetadata;

    /// <summary>The id by the order of spec §5.1.</summary>
    internal readonly CorrelationId Best => !_inAudit.IsEmpty ? _inAudit : !_topLevel.IsEmpty ? _topLevel : _inMetadata;

    internal void Search<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (r.Kind == ValueKind.Array)
        {
            SearchArray(ref r);
            return;
        }

        var scope = r.BeginMap();
        while (r.NextKey(ref scope, out var key))
        {
            if (key.SequenceEqual("correlation_id"u8))
            {
                Take(ref r, ref _topLevel);
            }
            else if (key.SequenceEqual("metadata"u8))
            {
                SearchStruct(ref r, ref _inMetadata, position: 1);
            }
            else if (key.SequenceEqual("audit"u8))
            {
                SearchAudit(ref r);
            }
            else
            {
                r.Skip();
            }
        }
    }

    private void SearchArray<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var scope = r.BeginArray();
        while (r.NextItem(ref scope))
        {
            if (scope.Position == 1 && r.Kind is (ValueKind.Map or ValueKind.Array))
            {
                SearchStruct(ref r, ref _inMetadata, position: 1);
            }
            else if (scope.Position == 1)
            {
                Take(ref r, ref _topLevel);
            }
            else if (scope.Position == AuditPosition)
            {
                SearchAudit(ref r);
            }
            else
            {
                r.Skip();
            }
        }
    }

    private void SearchAudit<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (r.Kind == ValueKind.Array)
        {
            var array = r.BeginArray();
            while (r.NextItem(ref array))
            {
                if (array.Position == CustomPosition)
                {
                    SearchStruct(ref r, ref _inAudit, position: 0);
                }
                else
                {
                    r.Skip();
                }
            }

            return;
        }

        if (r.Kind != ValueKind.Map)
        {
            r.Skip();
            return;
        }

        var scope = r.BeginMap();
        while (r.NextKey(ref scope, out var key))
        {
            if (key.SequenceEqual("custom"u8))
            {
                SearchStruct(ref r, ref _inAudit, position: 0);
            }
            else
            {
                r.Skip();
            }
        }
    }

    private static void SearchStruct<TReader>(ref TReader r, ref CorrelationId id, int position)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (r.Kind == ValueKind.Array)
        {
            var array = r.BeginArray();
            while (r.NextItem(ref array))
            {
                if (array.Position == position)
                {
                    Take(ref r, ref id);
                }
                else
                {
                    r.Skip();
                }
            }

            return;
        }

        if (r.Kind != ValueKind.Map)
        {
            r.Skip();
            return;
        }

        var scope = r.BeginMap();
        while (r.NextKey(ref scope, out var key))
        {
            if (key.SequenceEqual("correlation_id"u8))
            {
                Take(ref r, ref id);
            }
            else
            {
                r.Skip();
            }
        }
    }

    private static void Take<TReader>(ref TReader r, ref CorrelationId id)
        where TReader : struct, IValueReader, allows ref struct
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
