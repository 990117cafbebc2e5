using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Sidecar.Tests.Architecture;

/// <summary>
/// Reads an assembly's file and tells which types each of its types needs: in base type, interfaces, fields, signatures, constraints,
/// attributes, locals, catch clauses and instructions. Constants and enum values leave no trace in an assembly and are not seen.
/// </summary>
internal static class ReferenceCollector
{
    /// <summary>All references of the types in the assembly at <paramref name="path"/>, to types of any assembly, each once.</summary>
    public static HashSet<Reference> Collect(string path)
    {
        using var module = ModuleDefinition.ReadModule(path);
        return
        [
            .. module.GetTypes().SelectMany(type => OfType(type).SelectMany(Names).Select(to => new Reference(Name(type), to)))
                .Where(reference => reference.From != reference.To),
        ];
    }

    private static IEnumerable<TypeReference?> OfType(TypeDefinition type) =>
    [
        type.BaseType, .. type.Interfaces.Select(item => item.InterfaceType), .. OfAttributes(type), .. OfParameters(type),
        .. type.Fields.SelectMany(field => OfAttributes(field).Append(field.FieldType)),
        .. type.Properties.SelectMany(OfAttributes), .. type.Events.SelectMany(OfAttributes),
        .. type.Methods.SelectMany(OfMethod),
    ];

    private static IEnumerable<TypeReference?> OfMethod(MethodDefinition method) =>
    [
        .. OfSignature(method), .. OfParameters(method), .. OfAttributes(method), .. OfAttributes(method.MethodReturnType),
        .. method.Parameters.SelectMany(OfAttributes),
        .. method.HasBody ? OfBody(method.Body) : [],
    ];

    private static IEnumerable<TypeReference?> OfBody(MethodBody body) =>
    [
        .. body.Variables.Select(variable => variable.VariableType), .. body.ExceptionHandlers.Select(handler => handler.CatchType),
        .. body.Instructions.SelectMany(instruction => OfOperand(instruction.Operand)),
    ];

    private static IEnumerable<TypeReference?> OfOperand(object? operand) => operand switch
    {
        TypeReference type => [type],
        FieldReference field => [field.DeclaringType, field.FieldType],
        IMethodSignature signature => OfSignature(signature),
        _ => [],
    };

    private static IEnumerable<TypeReference?> OfSignature(IMethodSignature signature) =>
    [
        signature.ReturnType, .. signature.Parameters.Select(parameter => parameter.ParameterType),
        (signature as MethodReference)?.DeclaringType,
        .. signature is GenericInstanceMethod generic ? generic.GenericArguments : [],
    ];

    private static IEnumerable<TypeReference?> OfParameters(IGenericParameterProvider owner) =>
        owner.GenericParameters.SelectMany(parameter => parameter.Constraints.Select(constraint => constraint.ConstraintType).Concat(OfAttributes(parameter)));

    private static IEnumerable<TypeReference?> OfAttributes(ICustomAttributeProvider owner) => owner.CustomAttributes.SelectMany(attribute => (TypeReference?[])
    [
        .. OfSignature(attribute.Constructor),
        .. attribute.ConstructorArguments.Concat(attribute.Properties.Concat(attribute.Fields).Select(named => named.Argument)).SelectMany(OfArgument),
    ]);

    private static IEnumerable<TypeReference?> OfArgument(CustomAttributeArgument argument) => argument.Value switch
    {
        TypeReference type => [argument.Type, type],
        CustomAttributeArgument boxed => OfArgument(boxed),
        CustomAttributeArgument[] array => array.SelectMany(OfArgument).Append(argument.Type),
        _ => [argument.Type],
    };

    private static IEnumerable<TypeId> Names(TypeReference? type) => type switch
    {
        null or GenericParameter => [],
        FunctionPointerType pointer => OfSignature(pointer).SelectMany(Names),
        GenericInstanceType generic => generic.GenericArguments.Prepend(generic.ElementType).SelectMany(Names),
        IModifierType modified => [.. Names(modified.ModifierType), .. Names(modified.ElementType)],
        TypeSpecification specification => Names(specification.ElementType),
        _ => [Name(type)],
    };

    private static TypeId Name(TypeReference type) => type.DeclaringType is { } outer
        ? Name(outer)
        : new TypeId(type.Scope is AssemblyNameReference assembly ? assembly.Name : type.Module.Assembly.Name.Name, type.Namespace, type.Name);
}
