using System.Reflection.Metadata;

namespace Sidecar.Tests.Architecture;

/// <summary>Notes every type named by an attribute's arguments: <c>typeof</c>, and the enums of named arguments.</summary>
/// <remarks>An argument's bytes can be read only by who knows how wide its enum is; that is asked of the loaded assembly.</remarks>
internal sealed class AttributeArguments(TypeNames names, Action<TypeId> note) : ICustomAttributeTypeProvider<string>
{
    private const string SystemType = "System.Type";

    public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

    public string GetSystemType() => SystemType;

    public bool IsSystemType(string type) => type == SystemType;

    public string GetSZArrayType(string elementType) => elementType + "[]";

    public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
    {
        var type = reader.GetTypeDefinition(handle);
        var path = reader.GetString(type.Name);
        for (var outer = type.GetDeclaringType(); !outer.IsNil; outer = type.GetDeclaringType())
        {
            type = reader.GetTypeDefinition(outer);
            path = $"{reader.GetString(type.Name)}+{path}";
        }

        return Qualified(names.Of(handle), path);
    }

    public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
    {
        var type = reader.GetTypeReference(handle);
        var path = reader.GetString(type.Name);
        while (type.ResolutionScope.Kind == HandleKind.TypeReference)
        {
            type = reader.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
            path = $"{reader.GetString(type.Name)}+{path}";
        }

        var outermost = names.Of(handle);
        return (outermost.Namespace, path) == ("System", "Type") ? SystemType : Qualified(outermost, path);
    }

    public string GetTypeFromSerializedName(string name)
    {
        Note(TypeName.Parse(name));
        return name;
    }

    public PrimitiveTypeCode GetUnderlyingEnumType(string type) =>
        Type.GetTypeCode(Type.GetType(Complete(type), throwOnError: true)!.GetEnumUnderlyingType()) switch
        {
            TypeCode.SByte => PrimitiveTypeCode.SByte,
            TypeCode.Byte => PrimitiveTypeCode.Byte,
            TypeCode.Int16 => PrimitiveTypeCode.Int16,
            TypeCode.UInt16 => PrimitiveTypeCode.UInt16,
            TypeCode.UInt32 => PrimitiveTypeCode.UInt32,
            TypeCode.Int64 => PrimitiveTypeCode.Int64,
            TypeCode.UInt64 => PrimitiveTypeCode.UInt64,
            _ => PrimitiveTypeCode.Int32,
        };

    private static string Qualified(TypeId outermost, string path) =>
        $"{(outermost.Namespace.Length == 0 ? path : $"{outermost.Namespace}.{path}")}, {outermost.Assembly}";

    // A name without an assembly is of the assembly that was read.
    private string Complete(string type) => type.Contains(',', StringComparison.Ordinal) ? type : $"{type}, {names.Assembly}";

    private void Note(TypeName type)
    {
        if (!type.IsSimple)
        {
            foreach (var argument in type.IsConstructedGenericType ? type.GetGenericArguments() : [type.GetElementType()])
            {
                Note(argument);
            }

            if (!type.IsConstructedGenericType)
            {
                return;
            }

            type = type.GetGenericTypeDefinition();
        }

        while (type.IsNested)
        {
            type = type.DeclaringType;
        }

        note(new TypeId(type.AssemblyName?.Name ?? names.Assembly, type.Namespace, type.Name));
    }
}
