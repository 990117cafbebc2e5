using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace Sidecar.Tests.Architecture;

/// <summary>Notes every type that a signature names. The types it returns mean nothing; what counts is what it noted.</summary>
internal sealed class TypeNames(MetadataReader reader, Action<TypeId> note) : ISignatureTypeProvider<bool, object?>
{
    /// <summary>The name of the assembly that is read.</summary>
    public string Assembly { get; } = reader.GetString(reader.GetAssemblyDefinition().Name);

    /// <summary>The outermost type around a type of this assembly.</summary>
    public TypeId Of(TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        return type.GetDeclaringType() is { IsNil: false } outer
            ? Of(outer)
            : new TypeId(Assembly, reader.GetString(type.Namespace), reader.GetString(type.Name));
    }

    /// <summary>The outermost type around a type that this assembly refers to.</summary>
    public TypeId Of(TypeReferenceHandle handle)
    {
        var type = reader.GetTypeReference(handle);
        if (type.ResolutionScope.Kind == HandleKind.TypeReference)
        {
            return Of((TypeReferenceHandle)type.ResolutionScope);
        }

        var assembly = type.ResolutionScope.Kind == HandleKind.AssemblyReference
            ? reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)
            : Assembly;
        return new TypeId(assembly, reader.GetString(type.Namespace), reader.GetString(type.Name));
    }

    public bool GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Note(Of(handle));

    public bool GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => Note(Of(handle));

    public bool GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    public bool GetArrayType(bool elementType, ArrayShape shape) => true;

    public bool GetByReferenceType(bool elementType) => true;

    public bool GetFunctionPointerType(MethodSignature<bool> signature) => true;

    public bool GetGenericInstantiation(bool genericType, ImmutableArray<bool> typeArguments) => true;

    public bool GetGenericMethodParameter(object? genericContext, int index) => true;

    public bool GetGenericTypeParameter(object? genericContext, int index) => true;

    public bool GetModifiedType(bool modifier, bool unmodifiedType, bool isRequired) => true;

    public bool GetPinnedType(bool elementType) => true;

    public bool GetPointerType(bool elementType) => true;

    public bool GetPrimitiveType(PrimitiveTypeCode typeCode) => true;

    public bool GetSZArrayType(bool elementType) => true;

    private bool Note(TypeId type)
    {
        note(type);
        return true;
    }
}
