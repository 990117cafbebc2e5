using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>RequestBodyChunk and ResponseBodyChunk, base64 or binary (spec §4.4).</summary>
internal static class BodyChunkCodec
{
    private const int CountWithoutTotalSize = 5;

    // Both counters are known in both directions: the binary variant sends the other one as null.
    private static readonly MemberTable Members = new(
        6, "correlation_id", "data", "is_last", "total_size", "chunk_index", "bytes_received", "bytes_sent");

    private static readonly MemberTable WithoutTotalSize =
        Members.InOrder("correlation_id", "data", "is_last", "chunk_index", "bytes_received");

    internal static RequestBodyChunkEvent ReadRequest<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var fields = Fields.Read(ref r, "RequestBodyChunk");
        return new RequestBodyChunkEvent
        {
            CorrelationId = fields.CorrelationId,
            Data = fields.Data,
            IsLast = fields.IsLast,
            TotalSize = fields.TotalSize,
            ChunkIndex = fields.ChunkIndex,
            BytesTransferred = fields.BytesReceived ?? fields.BytesSent ?? 0,
        };
    }

    internal static ResponseBodyChunkEvent ReadResponse<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        var fields = Fields.Read(ref r, "ResponseBodyChunk");
        return new ResponseBodyChunkEvent
        {
            CorrelationId = fields.CorrelationId,
            Data = fields.Data,
            IsLast = fields.IsLast,
            TotalSize = fields.TotalSize,
            ChunkIndex = fields.ChunkIndex,
            BytesTransferred = fields.BytesSent ?? fields.BytesReceived ?? 0,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, BodyChunkEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(6);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Key("data"u8);
        w.BodyData(message.Data.Span);
        w.Member("is_last"u8, message.IsLast);
        w.Member("total_size"u8, message.TotalSize);
        w.Member("chunk_index"u8, message.ChunkIndex);
        w.Member(message.Type == MessageType.RequestBodyChunk ? "bytes_received"u8 : "bytes_sent"u8, message.BytesTransferred);
        w.EndMap();
    }

    private struct Fields
    {
        internal CorrelationId CorrelationId;
        internal ReadOnlyMemory<byte> Data;
        internal bool IsLast;
        internal ulong? TotalSize;
        internal uint ChunkIndex;
        internal ulong? BytesReceived;
        internal ulong? BytesSent;

        internal static Fields Read<TReader>(ref TReader r, string message)
            where TReader : struct, IValueReader, allows ref struct
        {
            var fields = default(Fields);
            bool hasData = false, hasLast = false;
            var scope = r.BeginStruct();
            var table = !scope.IsMap && scope.Count == CountWithoutTotalSize ? WithoutTotalSize : Members;
            while (r.Next(ref scope, table, out var member))
            {
                _ = member switch
                {
                    0 => r.Into(ref fields.CorrelationId),
                    1 => hasData = r.Into(ref fields.Data),
                    2 => hasLast = r.Into(ref fields.IsLast),
                    3 => r.Into(ref fields.TotalSize),
                    4 => r.Into(ref fields.ChunkIndex),
                    5 => r.Into(ref fields.BytesReceived),
                    _ => r.Into(ref fields.BytesSent),
                };
            }

            return hasData && hasLast ? fields : throw ProtocolErrors.Missing(message, hasData ? "is_last" : "data");
        }
    }
}
