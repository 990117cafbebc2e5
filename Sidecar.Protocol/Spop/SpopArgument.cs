namespace Sidecar.Protocol.Spop;

/// <summary>One argument of a message.</summary>
/// <param name="name">The name in the configuration; empty if it gives none.</param>
/// <param name="value">The sample; NULL if it could not be fetched.</param>
public readonly ref struct SpopArgument(ReadOnlySpan<byte> name, SpopValue value)
{
    /// <summary>The name in the configuration; empty if it gives none.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The sample; NULL if it could not be fetched.</summary>
    public SpopValue Value { get; } = value;
}
