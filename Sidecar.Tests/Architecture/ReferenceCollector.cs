using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Sidecar.Tests.Architecture;

/// <summary>
/// Reads an assembly's file and tells which types each of its types needs: in base type, interfaces, fields, signatures, constraints,
/// attributes, locals, catch clauses and instructions. Constants and enum values leave no trace in an assembly and are not seen.
/// </summary>
internal sealed partial class ReferenceCollector
{
    private readonly PEReader _file;
    private readonly MetadataReader _reader;
    private readonly TypeNames _names;
    private readonly AttributeArguments _arguments;
    private readonly HashSet<TypeId> _found = [];

    private ReferenceCollector(PEReader file)
    {
        _file = file;
        _reader = file.GetMetadataReader();
        _names = new TypeNames(_reader, type => _found.Add(type));
        _arguments = new AttributeArguments(_names, type => _found.Add(type));
    }

    /// <summary>All references of the types in the assembly at <paramref name="path"/>, to types of any assembly, each once.</summary>
    public static HashSet<Reference> Collect(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        return new ReferenceCollector(file).Collect();
    }

    private HashSet<Reference> Collect()
    {
        var references = new HashSet<Reference>();
        foreach (var handle in _reader.TypeDefinitions)
        {
            _found.Clear();
            AddType(_reader.GetTypeDefinition(handle));
            var from = _names.Of(handle);
            references.UnionWith(_found.Where(to => to != from).Select(to => new Reference(from, to)));
        }

        return references;
    }

    private void AddType(TypeDefinition type)
    {
        Add(type.BaseType);
        AddAttributes(type.GetCustomAttributes());
        AddGenericParameters(type.GetGenericParameters());
        foreach (var implementation in type.GetInterfaceImplementations().Select(_reader.GetInterfaceImplementation))
        {
            Add(implementation.Interface);
        }

        foreach (var field in type.GetFields())
        {
            Add(field);
            AddAttributes(_reader.GetFieldDefinition(field).GetCustomAttributes());
        }

        foreach (var property in type.GetProperties().Select(_reader.GetPropertyDefinition))
        {
            AddAttributes(property.GetCustomAttributes());
        }

        foreach (var item in type.GetEvents().Select(_reader.GetEventDefinition))
        {
            AddAttributes(item.GetCustomAttributes());
        }

        foreach (var method in type.GetMethods())
        {
            Add(method);
            AddMethod(_reader.GetMethodDefinition(method));
        }
    }

    private void AddMethod(MethodDefinition method)
    {
        AddAttributes(method.GetCustomAttributes());
        AddGenericParameters(method.GetGenericParameters());
        foreach (var parameter in method.GetParameters().Select(_reader.GetParameter))
        {
            AddAttributes(parameter.GetCustomAttributes());
        }

        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        var body = _file.GetMethodBody(method.RelativeVirtualAddress);
        Add(body.LocalSignature);
        foreach (var region in body.ExceptionRegions)
        {
            Add(region.CatchType);
        }

        IlReader.Tokens(body.GetILBytes()).ForEach(Add);
    }

    private void AddGenericParameters(GenericParameterHandleCollection parameters)
    {
        foreach (var parameter in parameters.Select(_reader.GetGenericParameter))
        {
            AddAttributes(parameter.GetCustomAttributes());
            foreach (var constraint in parameter.GetConstraints())
            {
                Add(_reader.GetGenericParameterConstraint(constraint).Type);
            }
        }
    }
}
