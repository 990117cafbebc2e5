namespace Sidecar.Tests.Architecture;

/// <summary>A folder of the house and what its types may need.</summary>
/// <param name="Namespace">Its namespace. Namespaces below it belong to it, unless the table lists rooms below it.</param>
/// <param name="MayUse">The namespaces of the other rooms it may use; <see cref="Everything"/> for all.</param>
/// <param name="MayUseAspNetCore">Whether it may use the assemblies Microsoft.AspNetCore.*.</param>
internal sealed record Room(string Namespace, string[] MayUse, bool MayUseAspNetCore)
{
    /// <summary>Stands for all rooms.</summary>
    public const string Everything = "*";

    /// <summary>Whether it may use the assembly Google.Protobuf: only rooms that speak gRPC do.</summary>
    public bool MayUseProtobuf { get; init; }

    /// <summary>Whether code of this room may use code of the other.</summary>
    public bool Allows(Room other) => this == other || MayUse.Contains(Everything) || MayUse.Contains(other.Namespace);
}
