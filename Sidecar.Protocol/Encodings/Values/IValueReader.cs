using System.Text.Json;

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
    /// <summary>Starts at the beginning of a payload.</summary>
    static abstract TSelf Create(ReadOnlyMemory<byte> payload);

    /// <summary>The kind of the value that comes next.</summary>
    ValueKind Kind { get; }

    /// <summary>The member being read, for error messages.</summary>
    string Member { get; set; }

    /// <summary>Bytes of the payload not yet read: an upper bound for anything that is to be allocated.</summary>
    int Remaining { get; }

    /// <summary>Enters a map.</summary>
    ValueScope BeginMap();

    /// <summary>Moves to the next value of a map; leaves the map and returns false at its end.</summary>
    bool NextKey(ref ValueScope scope, out ReadOnlySpan<byte> key);

    /// <summary>Enters a list.</summary>
    ValueScope BeginArray();

    /// <summary>Moves to the next element; leaves the list and returns false at its end.</summary>
    bool NextItem(ref ValueScope scope);

    /// <summary>Reads true or false.</summary>
    bool ReadBoolean();

    /// <summary>Reads an unsigned integer of any width; a float counts when it is whole.</summary>
    ulong ReadUInt64();

    /// <summary>Reads a signed integer of any width; a float counts when it is whole.</summary>
    long ReadInt64();

    /// <summary>Reads a float of any width, or an integer.</summary>
    double ReadDouble();

    /// <summary>Reads text as UTF-8.</summary>
    ReadOnlySpan<byte> ReadUtf8();

    /// <summary>Reads bytes: base64 text, or in MessagePack raw bytes that share the payload's memory.</summary>
    ReadOnlyMemory<byte> ReadBytes();

    /// <summary>Reads any value; the result owns its memory.</summary>
    JsonElement ReadJson();

    /// <summary>Steps over any value.</summary>
    void Skip();

    /// <summary>Checks that nothing follows where the encoding can tell.</summary>
    void End();
}
