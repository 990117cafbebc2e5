using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using MessagePack;

namespace Sidecar.Tests.Encodings;

/// <summary>What kinds of values both encodings have.</summary>
internal enum StrictKind
{
    Nil,
    Boolean,
    Integer,
    Float,
    Text,
    Bytes,
    Array,
    Map,
}

/// <summary>
/// A value as a decoder that forgives nothing reads it from JSON or MessagePack: text must be UTF-8, keys of maps stay in order with their doubles.
/// </summary>
internal sealed record StrictNode(
    StrictKind Kind, object? Value = null, IReadOnlyList<StrictNode>? Items = null, IReadOnlyList<(string Key, StrictNode Value)>? Members = null)
{
    // The reference's JSON decoder goes no deeper.
    private const int MaxDepth = 127;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a whole payload.</summary>
    /// <exception cref="FormatException">A strict decoder would not read it.</exception>
    public static StrictNode Read(byte[] payload, bool isJson)
    {
        try
        {
            return isJson ? ReadJson(payload) : ReadMessagePack(payload);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException
            or MessagePackSerializationException or EndOfStreamException or ArgumentOutOfRangeException)
        {
            throw new FormatException(e.Message, e);
        }
    }

    private static StrictNode ReadJson(byte[] payload)
    {
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        var node = ReadJson(ref reader);
        return reader.Read() ? throw new FormatException("more follows the value") : node;
    }

    private static StrictNode ReadJson(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return new StrictNode(StrictKind.Nil);
            case JsonTokenType.True or JsonTokenType.False:
                return new StrictNode(StrictKind.Boolean, reader.TokenType == JsonTokenType.True);
            case JsonTokenType.String:
                return new StrictNode(StrictKind.Text, TextOf(ref reader));
            case JsonTokenType.Number:
                return Number(Encoding.ASCII.GetString(reader.ValueSpan));
            case JsonTokenType.StartArray:
                var items = new List<StrictNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(ReadJson(ref reader));
                }

                return new StrictNode(StrictKind.Array, Items: items);
            default:
                var members = new List<(string, StrictNode)>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var key = TextOf(ref reader);
                    reader.Read();
                    members.Add((key, ReadJson(ref reader)));
                }

                return new StrictNode(StrictKind.Map, Members: members);
        }
    }

    private static string TextOf(ref Utf8JsonReader reader)
    {
        _ = StrictUtf8.GetString(reader.ValueSpan);
        return reader.GetString()!;
    }

    private static StrictNode Number(string text)
    {
        if (!text.AsSpan().ContainsAny(".eE") && BigInteger.Parse(text, CultureInfo.InvariantCulture) is var whole && whole >= long.MinValue
            && whole <= ulong.MaxValue)
        {
            return new StrictNode(StrictKind.Integer, whole);
        }

        var number = double.Parse(text, CultureInfo.InvariantCulture);
        return double.IsFinite(number) ? new StrictNode(StrictKind.Float, number) : throw new FormatException($"number {text} is out of range");
    }

    private static StrictNode ReadMessagePack(byte[] payload)
    {
        var reader = new MessagePackReader(payload);
        var node = ReadMessagePack(ref reader);
        return reader.End ? node : throw new FormatException("more follows the value");
    }

    private static StrictNode ReadMessagePack(ref MessagePackReader reader)
    {
        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Nil:
                reader.ReadNil();
                return new StrictNode(StrictKind.Nil);
            case MessagePackType.Boolean:
                return new StrictNode(StrictKind.Boolean, reader.ReadBoolean());
            case MessagePackType.Integer:
                return new StrictNode(
                    StrictKind.Integer, reader.NextCode == MessagePackCode.UInt64 ? (BigInteger)reader.ReadUInt64() : reader.ReadInt64());
            case MessagePackType.Float:
                return new StrictNode(StrictKind.Float, reader.ReadDouble());
            case MessagePackType.String:
                return new StrictNode(StrictKind.Text, ReadText(ref reader));
            case MessagePackType.Binary:
                return new StrictNode(StrictKind.Bytes, reader.ReadBytes().GetValueOrDefault().ToArray());
            case MessagePackType.Array:
                var items = new List<StrictNode>();
                for (var left = Enter(ref reader, reader.ReadArrayHeader()); left > 0; left--)
                {
                    items.Add(ReadMessagePack(ref reader));
                }

                reader.Depth--;
                return new StrictNode(StrictKind.Array, Items: items);
            case MessagePackType.Map:
                var members = new List<(string, StrictNode)>();
                for (var left = Enter(ref reader, reader.ReadMapHeader()); left > 0; left--)
                {
                    var key = ReadText(ref reader);
                    members.Add((key, ReadMessagePack(ref reader)));
                }

                reader.Depth--;
                return new StrictNode(StrictKind.Map, Members: members);
            default:
                throw new FormatException($"a {reader.NextMessagePackType} is no value of the protocol");
        }
    }

    private static string ReadText(ref MessagePackReader reader) =>
        reader.TryReadStringSpan(out var utf8) ? StrictUtf8.GetString(utf8) : throw new FormatException("nil is no text");

    private static int Enter(ref MessagePackReader reader, int count) =>
        count >= 0 && ++reader.Depth <= MaxDepth ? count : throw new FormatException($"a container of {count} elements at depth {reader.Depth}");
}
