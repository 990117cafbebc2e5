using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Ping, and the pong that repeats it (spec §6.7).</summary>
internal static class PingCodec
{
    private static readonly MemberTable Members = new(2, "sequence", "timestamp_ms");

    internal static PingMessage Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        ulong sequence = 0, timestamp = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member == 0 ? r.Into(ref sequence) : r.Into(ref timestamp);
        }

        r.End();
        return new PingMessage(sequence, timestamp);
    }

    internal static void Write<TWriter>(ref TWriter w, PingMessage message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(2);
        w.Member("sequence"u8, message.Sequence);
        w.Member("timestamp_ms"u8, message.TimestampMs);
        w.EndMap();
    }
}
