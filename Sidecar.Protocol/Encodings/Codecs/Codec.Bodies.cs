namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>
/// RequestBodyChunk and ResponseBodyChunk, base64 or binary (spec §4.4), and what an answer makes of their bytes (spec §4.10, §5.4).
/// </summary>
internal static partial class Codec<TReader, TWriter>
{
    private const int ChunkElementsWithoutTotalSize = 5;

    private static readonly RequestBodyChunkEvent RequestBodyChunk = new();
    private static readonly ResponseBodyChunkEvent ResponseBodyChunk = new();

    // Both counters are known in both directions: the binary variant sends the other one as null.
    private static readonly MemberTable ChunkMembers = new(
        6, "correlation_id", "data", "is_last", "total_size", "chunk_index", "bytes_received", "bytes_sent");

    private static readonly MemberTable ChunkMembersWithoutTotalSize =
        ChunkMembers.InOrder("correlation_id", "data", "is_last", "chunk_index", "bytes_received");

    private static readonly Shape<BodyMutation> Mutation = new(
        "a body mutation",
        new BodyMutation(null),
        new("data", (ref r, m) => m with { Data = ReadOwnBytes(ref r) }, (ref w, m) => WriteBytes(ref w, m.Data)),
        new("chunk_index", (ref r, m) => m with { ChunkIndex = r.ReadUInt32() }, (ref w, m) => w.UInt64(m.ChunkIndex)));

    private static BodyChunkEvent ReadBodyChunk(ref TReader r, BodyChunkEvent empty)
    {
        var chunk = empty with { };
        bool hasData = false, hasLast = false;
        ulong? received = null, sent = null;
        var scope = r.BeginStruct();
        var table = !scope.IsMap && scope.Count == ChunkElementsWithoutTotalSize ? ChunkMembersWithoutTotalSize : ChunkMembers;
        while (r.Next(ref scope, table, out var member))
        {
            switch (member)
            {
                case 0:
                    chunk.CorrelationId = r.ReadCorrelationId();
                    break;
                case 1:
                    (chunk.Data, hasData) = (r.ReadBytes(), true);
                    break;
                case 2:
                    (chunk.IsLast, hasLast) = (r.ReadBoolean(), true);
                    break;
                case 3:
                    chunk.TotalSize = r.ReadUInt64();
                    break;
                case 4:
                    chunk.ChunkIndex = r.ReadUInt32();
                    break;
                case 5:
                    received = r.ReadUInt64();
                    break;
                default:
                    sent = r.ReadUInt64();
                    break;
            }
        }

        chunk.BytesTransferred = (chunk.Type == MessageType.RequestBodyChunk ? received ?? sent : sent ?? received) ?? 0;
        return hasData && hasLast ? chunk : throw ProtocolErrors.Missing(chunk.Type.ToString(), hasData ? "is_last" : "data");
    }

    private static void WriteBodyChunk(ref TWriter w, BodyChunkEvent message)
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

    // An answer outlives the frame it came in, so raw bytes are copied; decoded base64 is a copy already.
    private static ReadOnlyMemory<byte> ReadOwnBytes(ref TReader r) => r.Kind == ValueKind.Binary ? r.ReadBytes().ToArray() : r.ReadBytes();

    private static void WriteBytes(ref TWriter w, ReadOnlyMemory<byte>? data)
    {
        if (data is { } bytes)
        {
            w.Base64(bytes.Span);
        }
        else
        {
            w.Null();
        }
    }
}
