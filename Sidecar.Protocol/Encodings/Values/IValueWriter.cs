using System.Buffers;
using System.Text.Json;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes the values of one payload, the same for JSON and MessagePack.</summary>
internal interface IValueWriter<TSelf>
    where TSelf : struct, IValueWriter<TSelf>, allows ref struct
{
    /// <summary>Starts at the output's present end.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="binaryBody">Whether the peer takes raw body bytes (spec §4.4), where the encoding has a form for them.</param>
    static abstract TSelf Create(IBufferWriter<byte> output, bool binaryBody);

    /// <summary>Begins a map of exactly this many pairs.</summary>
    void BeginMap(int count);

    /// <summary>Ends a map.</summary>
    void EndMap();

    /// <summary>Begins a list of exactly this many elements.</summary>
    void BeginArray(int count);

    /// <summary>Ends a list.</summary>
    void EndArray();

    /// <summary>Writes a key that is one of the protocol's names.</summary>
    void Key(scoped ReadOnlySpan<byte> utf8);

    /// <summary>Writes a key that came from elsewhere; invalid UTF-8 is replaced.</summary>
    void Name(scoped ReadOnlySpan<byte> utf8);

    /// <summary>Writes null or nil.</summary>
    void Null();

    /// <summary>Writes true or false.</summary>
    void Boolean(bool value);

    /// <summary>Writes an unsigned integer.</summary>
    void UInt64(ulong value);

    /// <summary>Writes a signed integer.</summary>
    void Int64(long value);

    /// <summary>Writes a float of 32 bits; null where JSON has no form for it.</summary>
    void Single(float value);

    /// <summary>Writes a float of 64 bits; null where JSON has no form for it.</summary>
    void Double(double value);

    /// <summary>Writes text, or null.</summary>
    void String(string? value);

    /// <summary>Writes text; invalid UTF-8 is replaced, because one such string would make the whole message unreadable.</summary>
    void Text(scoped ReadOnlySpan<byte> utf8);

    /// <summary>Writes bytes as base64 text.</summary>
    void Base64(scoped ReadOnlySpan<byte> value);

    /// <summary>Writes body bytes: base64 text, or raw for a peer that takes them (spec §4.4).</summary>
    void BodyData(scoped ReadOnlySpan<byte> value);

    /// <summary>Writes any value.</summary>
    void Json(JsonElement value);

    /// <summary>Hands what was written to the output; call it after the last value.</summary>
    void Flush();
}
