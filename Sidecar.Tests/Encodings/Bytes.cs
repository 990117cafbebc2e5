using System.Buffers;
using System.Text;
using System.Text.Json;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Values;

namespace Sidecar.Tests.Encodings;

/// <summary>Payloads from JSON text in either encoding, and single values of MessagePack.</summary>
internal static class Bytes
{
    public delegate T ReadValue<out T>(ref MessagePackValueReader reader);

    public delegate void WriteValue(ref MessagePackValueWriter writer);

    public static byte[] Of(MessageEncoding encoding, string json) => ReferenceEquals(encoding, MessageEncodings.Json)
        ? Encoding.UTF8.GetBytes(json)
        : MessagePack(new ArrayBufferWriter<byte>(), (ref MessagePackValueWriter w) => w.Json(JsonElement.Parse(json))).WrittenSpan.ToArray();

    /// <summary>Writes values as MessagePack with raw bodies.</summary>
    public static TOutput MessagePack<TOutput>(TOutput output, WriteValue write)
        where TOutput : IBufferWriter<byte>
    {
        var writer = new MessagePackValueWriter(output, binaryBody: true);
        write(ref writer);
        writer.Flush();
        return output;
    }

    /// <summary>Reads a value of MessagePack as the encoding reads its messages; tells how many bytes are left.</summary>
    /// <exception cref="ProtocolException">The bytes are bad.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> payload, ReadValue<T> read, out int left)
    {
        try
        {
            var reader = new MessagePackValueReader(payload);
            var value = read(ref reader);
            left = reader.Remaining;
            return value;
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable("value", e);
        }
    }

    /// <summary>Steps over a value of MessagePack; tells how many bytes are left.</summary>
    /// <exception cref="ProtocolException">The bytes are bad.</exception>
    public static int Skip(ReadOnlyMemory<byte> payload)
    {
        Read(payload, static (ref MessagePackValueReader r) => Skipped(ref r), out var left);
        return left;
    }

    private static bool Skipped(ref MessagePackValueReader reader)
    {
        reader.Skip();
        return true;
    }
}
