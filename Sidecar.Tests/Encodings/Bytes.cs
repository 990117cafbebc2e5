using System.Buffers;
using System.Text;
using System.Text.Json;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.Encodings;

/// <summary>Payloads from JSON text, in either encoding.</summary>
internal static class Bytes
{
    public static byte[] Of(MessageEncoding encoding, string json)
    {
        if (ReferenceEquals(encoding, MessageEncodings.Json))
        {
            return Encoding.UTF8.GetBytes(json);
        }

        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        MessagePackJson.Write(ref writer, JsonElement.Parse(json));
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
