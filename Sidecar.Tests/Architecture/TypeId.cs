namespace Sidecar.Tests.Architecture;

/// <summary>A type by name. A nested or compiler-generated type stands as the outermost type around it.</summary>
internal readonly record struct TypeId(string Assembly, string Namespace, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}.{Name}";
}
