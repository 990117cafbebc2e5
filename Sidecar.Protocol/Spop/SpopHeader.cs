namespace Sidecar.Protocol.Spop;

/// <summary>One header field as HAProxy hands it over: raw bytes, the name in lower case.</summary>
/// <param name="name">At least one byte; not checked to be a token.</param>
/// <param name="value">Any bytes, possibly none.</param>
public readonly ref struct SpopHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
{
    /// <summary>The name; at least one byte, not checked to be a token.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The value; any bytes, possibly none.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}
