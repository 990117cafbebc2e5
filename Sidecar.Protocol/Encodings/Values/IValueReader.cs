namespace Sidecar.Protocol.Encodings.Values;

/// <summary>A cursor over the values of one payload, the same for JSON and MessagePack, so that each message is described once.</summary>
/// <remarks>
/// Message codecs are generic over it, so that the JIT makes one specialised copy per encoding and nothing is boxed. Anything the bytes
/// can be wrong about is a <see cref="ProtocolException"/> or one of the exceptions that <see cref="ProtocolErrors.IsBadInput"/> knows.
/// Spans stay valid until the next key (for a key) or the next string (for a string) is read.
/// </remarks>
internal interface IValueReader<TSelf>
    where TSelf : struct, IValueReader<TSelf>, allows ref struct
{
    static abstract TSelf Create(ReadOnlyMemory<byte> payload);

    ValueKind Kind { get; }

    /// <summary>The member being read, for error messages.</summary>
    string Member { get; set; }

    /// <summary>Bytes of the payload not yet read: an upper bound for anything that is to be allocated.</summary>
    int Remaining { get; }

    ValueScope BeginMap();

    /// <summary>Moves to the next value of a map; leaves the map and returns false at its end.</summary>
    bool NextKey(ref ValueScope scope, out ReadOnlySpan<byte> key);

    ValueScope BeginArray();

    /// <summary>Moves to the next element; leaves the list and returns false at its end.</summary>
    bool NextItem(ref ValueScope scope);

    bool ReadBoolean();

    /// <summary>Reads an unsigned integer of any width; a float counts when it is whole.</summary>
    ulong ReadUInt64();

    /// <summary>Reads a signed integer of any width; a float counts when it is whole.</summary>
    long ReadInt64();

    /// <summary>Reads a float of any width, or an integer.</summary>
    double ReadDouble();

    ReadOnlySpan<byte> ReadUtf8();

    /// <summary>Reads bytes: base64 text, or in MessagePack raw bytes that share the payload's memory.</summary>
    ReadOnlyMemory<byte> ReadBytes();

    /// <summary>Reads any value; the result owns its memory.</summary>
    JsonElement ReadJson();

    void Skip();

    /// <summary>Checks that nothing follows where the encoding can tell.</summary>
    void End();
}

/// <summary>What kind of value comes next in a payload, as far as both encodings share it.</summary>
internal enum ValueKind : byte
{
    /// <summary>The payload or the container is at its end.</summary>
    End,

    Null,
    Boolean,

    /// <summary>An integer or a float.</summary>
    Number,

    String,

    /// <summary>Raw bytes (MessagePack only).</summary>
    Binary,

    Array,
    Map,

    /// <summary>A MessagePack extension or an unused code: never part of a message.</summary>
    Other,
}

/// <summary>A container that is being read.</summary>
internal struct ValueScope
{
    /// <summary>The count a writer claimed, or <see cref="UnknownCount"/> in JSON.</summary>
    internal const int UnknownCount = -1;

    /// <summary>A container of a known or unknown number of elements.</summary>
    internal ValueScope(bool isMap, int count)

    {
        IsMap = isMap;
        Count = count;
        Left = count;
    }

    /// <summary>Elements or pairs claimed, or <see cref="UnknownCount"/>.</summary>
    internal int Count { get; }

    /// <summary>True for keys and values, false for a list.</summary>
    internal bool IsMap { get; }

    /// <summary>Elements or pairs not yet begun; only kept where the count is known.</summary>
    internal int Left { get; set; }

    internal int Position { get; set; }
}
