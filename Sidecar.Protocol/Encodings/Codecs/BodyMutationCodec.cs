using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>A change of body bytes (spec §4.10, §5.4).</summary>
internal static class BodyMutationCodec
{
    private static readonly MemberTable Members = new(2, "data", "chunk_index");

    internal static BodyMutation Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        ReadOnlyMemory<byte>? data = null;
        uint index = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            if (member == 0)
            {
                // An answer outlives the frame it came in, so raw bytes are copied; decoded base64 is a copy already.
                var raw = r.Kind == ValueKind.Binary;
                data = r.ReadBytes();
                data = raw ? data.Value.ToArray() : data;
            }
            else
            {
                index = r.ReadUInt32();
            }
        }

        return new BodyMutation(data, index);
    }

    internal static void Write<TWriter>(ref TWriter w, BodyMutation? mutation)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        if (mutation is null)
        {
            w.Null();
            return;
        }

        w.BeginMap(2);
        w.Key("data"u8);
        if (mutation.Data is { } data)
        {
            w.Base64(data.Span);
        }
        else
        {
            w.Null();
        }

        w.Member("chunk_index"u8, mutation.ChunkIndex);
        w.EndMap();
    }
}
