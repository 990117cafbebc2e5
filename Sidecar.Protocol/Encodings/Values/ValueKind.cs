namespace Sidecar.Protocol.Encodings.Values;

/// <summary>What kind of value comes next in a payload, as far as both encodings share it.</summary>
internal enum ValueKind : byte
{
    /// <summary>The payload or the container is at its end.</summary>
    End,

    /// <summary>Null or nil.</summary>
    Null,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>An integer or a float.</summary>
    Number,

    /// <summary>Text.</summary>
    String,

    /// <summary>Raw bytes (MessagePack only).</summary>
    Binary,

    /// <summary>A list.</summary>
    Array,

    /// <summary>An object.</summary>
    Map,

    /// <summary>A MessagePack extension or an unused code: never part of a message.</summary>
    Other,
}
