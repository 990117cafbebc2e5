namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes the values of one payload, the same for JSON and MessagePack.</summary>
internal interface IValueWriter<TSelf>
    where TSelf : struct, IValueWriter<TSelf>, allows ref struct
{
    /// <summary>Starts at the output's present end.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="binaryBody">Whether the peer takes raw body bytes (spec §4.4), where the encoding has a form for them.</param>
    static abstract TSelf Create(IBufferWriter<byte> output, bool binaryBody);

    void BeginMap(int count);
    void EndMap();
    void BeginArray(int count);
    void EndArray();

    /// <summary>Writes a key that is one of the protocol's names.</summary>
    void Key(scoped ReadOnlySpan<byte> utf8);

    /// <summary>Writes a key that came from elsewhere; invalid UTF-8 is replaced.</summary>
    void Name(scoped ReadOnlySpan<byte> utf8);

    void Null();
    void Boolean(bool value);
    void UInt64(ulong value);
    void Int64(long value);

    /// <summary>Writes a float of 32 bits; null where JSON has no form for it.</summary>
    void Single(float value);

    /// <summary>Writes a float of 64 bits; null where JSON has no form for it.</summary>
    void Double(double value);

    void String(string? value);

    /// <summary>Writes text; invalid UTF-8 is replaced, because one such string would make the whole message unreadable.</summary>
    void Text(scoped ReadOnlySpan<byte> utf8);

    void Base64(scoped ReadOnlySpan<byte> value);

    /// <summary>Writes body bytes: base64 text, or raw for a peer that takes them (spec §4.4).</summary>
    void BodyData(scoped ReadOnlySpan<byte> value);

    void Json(JsonElement value);

    /// <summary>Hands what was written to the output; call it after the last value.</summary>
    void Flush();
}
