using System.Text;
using System.Text.Json;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>
/// Events with whatever their members can hold: hostile text, bytes that are no text, the ends of every range. The same number gives the same event.
/// </summary>
internal static class AnyEvent
{
    private static readonly string[] Texts =
    [
        "", "/", "example.org", "10.0.0.1", "::1", "\0", "\t\r\n\"\\/\b\f", "\u007f\u0080\u0085\u00a0\u00ff", "é€漢😀", "\ud800", "\udc00x", "a\udbff", "\u2028\u2029", "\ufeff", "\ufffe\uffff",
        "%00%ff", "</script>", "'", new('x', 300), new('é', 70_000),
    ];

    private static readonly string[] Configurations =
    [
        "null", "{}", "[]", "true", "\"text\"", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "-0", "1.5", "1e300", "1e-400", "0.1e1",
        """{"a":{"b":[1,2,{"c":null}]},"":"","\u0000":"\ud83d\ude00","half":"\ud800"}""", """{"twice":1,"twice":2}""", $"{new string('[', 60)}{new string(']', 60)}",
    ];

    private static readonly ulong[] Numbers = [
        0, 1, 127, 128, 255, 256, 65_535, 65_536, uint.MaxValue, (ulong)uint.MaxValue + 1, long.MaxValue, (ulong)long.MaxValue + 1, ulong.MaxValue];

    /// <summary>The event of a number, of one type.</summary>
    /// <param name="number">Any number.</param>
    /// <param name="type">Which event.</param>
    /// <param name="id">Its id; null for any.</param>
    public static AgentEvent Of(int number, MessageType type, CorrelationId? id = null)
    {
        var random = new Random(number);
        AgentEvent message = type switch
        {
            MessageType.RequestHeaders => new RequestHeadersEvent
            {
                Metadata = new RequestMetadata
                {
                    RequestId = AnyText(random),
                    ClientIp = AnyText(random),
                    ClientPort = (ushort)AnyNumber(random),
                    ServerName = AnyOption(random),
                    Protocol = AnyText(random),
                    TlsVersion = AnyOption(random),
                    TlsCipher = AnyOption(random),
                    RouteId = AnyOption(random),
                    UpstreamId = AnyOption(random),
                    Timestamp = AnyText(random),
                    Traceparent = AnyOption(random),
                },
                Method = AnyText(random),
                Uri = AnyText(random),
                Headers = AnyHeaders(random),
                HasBody = Pick<bool?>(random, null, true, false),
            },
            MessageType.RequestBodyChunk => new RequestBodyChunkEvent
            {
                Data = AnyBytes(random),
                IsLast = random.Next(2) == 0,
                TotalSize = AnyCount(random),
                ChunkIndex = (uint)AnyNumber(random),
                BytesTransferred = AnyNumber(random),
            },
            MessageType.ResponseBodyChunk => new ResponseBodyChunkEvent
            {
                Data = AnyBytes(random),
                IsLast = random.Next(2) == 0,
                TotalSize = AnyCount(random),
                ChunkIndex = (uint)AnyNumber(random),
                BytesTransferred = AnyNumber(random),
            },
            MessageType.ResponseHeaders => new ResponseHeadersEvent { Status = (ushort)AnyNumber(random), Headers = AnyHeaders(random) },
            MessageType.RequestComplete => new RequestCompleteEvent
            {
                Status = (ushort)AnyNumber(random),
                DurationMs = AnyNumber(random),
                RequestBodySize = AnyNumber(random),
                ResponseBodySize = AnyNumber(random),
                UpstreamAttempts = (uint)AnyNumber(random),
                Error = AnyOption(random),
            },
            MessageType.WebSocketFrame => new WebSocketFrameEvent
            {
                Opcode = Pick(random, Enum.GetValues<WebSocketOpcode>()),
                Data = AnyBytes(random),
                ClientToServer = random.Next(2) == 0,
                FrameIndex = AnyNumber(random),
                Fin = random.Next(2) == 0,
                RouteId = AnyOption(random),
                ClientIp = AnyText(random),
            },
            MessageType.GuardrailInspect => new GuardrailInspectEvent
            {
                InspectionType = Pick(random, Enum.GetValues<GuardrailInspectionType>()),
                Content = AnyText(random),
                Model = AnyOption(random),
                RouteId = AnyOption(random),
                Categories = [.. Enumerable.Range(0, random.Next(4)).Select(_ => AnyText(random))],
                Metadata = Enumerable.Range(0, random.Next(4)).Select(_ => AnyText(random)).Distinct(StringComparer.Ordinal)
                    .ToDictionary(static name => name, _ => AnyText(random), StringComparer.Ordinal),
            },
            _ => new ConfigureEvent { Config = AnyConfiguration(random), ConfigVersion = AnyOption(random) },
        };
        message.CorrelationId = id ?? (random.Next(3) == 0 ? CorrelationId.Parse(AnyText(random)) : new CorrelationId((UInt128)random.NextInt64() + 1));
        return message;
    }

    // As an operator's file or push is read.
    private static JsonElement? AnyConfiguration(Random random) =>
        random.Next(8) == 0 ? null : ConfigurationFile.Parse(Encoding.UTF8.GetBytes(Pick(random, Configurations)));

    private static HeaderBlock AnyHeaders(Random random)
    {
        var headers = new HeaderBlock();
        for (var i = random.Next(12); i > 0; i--)
        {
            var name = AnyName(random);
            switch (random.Next(8))
            {
                case 0:
                    headers.AddNameOnly(name);
                    break;
                case 1:
                    headers.Add(name, AnyBytes(random));
                    break;
                default:
                    headers.Add(name, Encoding.UTF8.GetBytes(AnyText(random)));
                    break;
            }
        }

        return headers;
    }

    private static byte[] AnyName(Random random) =>
        random.Next(4) == 0 ? [(byte)'x', (byte)random.Next(256)] : Encoding.UTF8.GetBytes(Pick(random, "a", "A", "cookie", "x-b", "é", ""));

    private static byte[] AnyBytes(Random random)
    {
        var bytes = new byte[random.Next(20) == 0 ? random.Next(70_000) : random.Next(40)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string? AnyOption(Random random) => random.Next(2) == 0 ? null : AnyText(random);

    private static string AnyText(Random random) => Pick(random, Texts) + (random.Next(2) == 0 ? "" : Pick(random, Texts));

    private static ulong? AnyCount(Random random) => random.Next(2) == 0 ? null : AnyNumber(random);

    private static ulong AnyNumber(Random random) => Pick(random, Numbers);

    private static T Pick<T>(Random random, params T[] from) => from[random.Next(from.Length)];
}
