namespace Sidecar.Tests.Architecture;

/// <summary>One type needs another to be compiled.</summary>
internal readonly record struct Reference(TypeId From, TypeId To)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From} -> {To}";
}
