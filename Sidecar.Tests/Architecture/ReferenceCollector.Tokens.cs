using System.Reflection.Metadata;

namespace Sidecar.Tests.Architecture;

internal sealed partial class ReferenceCollector
{
    /// <summary>Adds the types behind a token: its own, the one that declares it, and those of its signature.</summary>
    private void Add(EntityHandle token)
    {
        if (token.IsNil)
        {
            return;
        }

        switch (token.Kind)
        {
            case HandleKind.TypeDefinition:
                _found.Add(_names.Of((TypeDefinitionHandle)token));
                break;
            case HandleKind.TypeReference:
                _found.Add(_names.Of((TypeReferenceHandle)token));
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)token).DecodeSignature(_names, null);
                break;
            case HandleKind.FieldDefinition:
                var field = _reader.GetFieldDefinition((FieldDefinitionHandle)token);
                Add(field.GetDeclaringType());
                field.DecodeSignature(_names, null);
                break;
            case HandleKind.MethodDefinition:
                var method = _reader.GetMethodDefinition((MethodDefinitionHandle)token);
                Add(method.GetDeclaringType());
                method.DecodeSignature(_names, null);
                break;
            case HandleKind.MemberReference:
                AddMember(_reader.GetMemberReference((MemberReferenceHandle)token));
                break;
            case HandleKind.MethodSpecification:
                var specification = _reader.GetMethodSpecification((MethodSpecificationHandle)token);
                Add(specification.Method);
                specification.DecodeSignature(_names, null);
                break;
            case HandleKind.StandaloneSignature:
                AddSignature(_reader.GetStandaloneSignature((StandaloneSignatureHandle)token));
                break;
            default:
                throw new BadImageFormatException($"A token of kind {token.Kind} names no type; this reader does not know it.");
        }
    }

    private void AddAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes.Select(_reader.GetCustomAttribute))
        {
            Add(attribute.Constructor);
            attribute.DecodeValue(_arguments);
        }
    }

    private void AddMember(MemberReference member)
    {
        Add(member.Parent);
        if (member.GetKind() == MemberReferenceKind.Method)
        {
            member.DecodeMethodSignature(_names, null);
        }
        else
        {
            member.DecodeFieldSignature(_names, null);
        }
    }

    private void AddSignature(StandaloneSignature signature)
    {
        if (signature.GetKind() == StandaloneSignatureKind.LocalVariables)
        {
            signature.DecodeLocalSignature(_names, null);
        }
        else
        {
            signature.DecodeMethodSignature(_names, null);
        }
    }
}
