using Mono.Cecil;

namespace Sidecar.Tests.Architecture;

/// <summary>Reads which tests an assembly has, and whether a test can fail: whether it, or what it calls in its own assembly, asserts something.</summary>
/// <remarks>What is called through an interface or a base class is not followed, so a helper that asserts must be called as itself.</remarks>
internal sealed class TestMethods(ModuleDefinition module)
{
    private const string Tests = "NUnit.Framework.Test";

    // Not Assert.Ignore and its like, which end a test without a judgement.
    private static readonly HashSet<string> Judgements = new(StringComparer.Ordinal)
    {
        "That", "Throws", "ThrowsAsync", "Catch", "CatchAsync", "DoesNotThrow", "DoesNotThrowAsync", "Fail", "Multiple", "EnterMultipleScope",
    };

    private readonly Dictionary<MethodDefinition, bool> _asserts = [];

    /// <summary>All methods that NUnit runs as tests.</summary>
    public IEnumerable<MethodDefinition> All =>
        module.GetTypes().SelectMany(static type => type.Methods).Where(static method => Attributes(method).Any(IsOfTest));

    /// <summary>Whether a test can fail by its own judgement.</summary>
    public bool Judges(MethodDefinition test) =>
        Attributes(test).Any(static attribute => attribute.Properties.Any(static property => property.Name == "ExpectedResult"))
        || Attributes(test).Any(static attribute => attribute.AttributeType.Namespace.StartsWith("FsCheck", StringComparison.Ordinal))
        || (Attributes(test).Any(static attribute => attribute.AttributeType.Name == "TestCaseSourceAttribute") && test.ReturnType.FullName != module.TypeSystem.Void.FullName)
        || Asserts(test);

    private static Mono.Collections.Generic.Collection<CustomAttribute> Attributes(MethodDefinition method) => method.CustomAttributes;

    private static bool IsOfTest(CustomAttribute attribute) =>
        attribute.AttributeType.FullName.StartsWith(Tests, StringComparison.Ordinal)
        || (attribute.AttributeType.Namespace.StartsWith("FsCheck", StringComparison.Ordinal) && attribute.AttributeType.Name == "PropertyAttribute");

    private bool Asserts(MethodDefinition method)
    {
        if (_asserts.TryGetValue(method, out var known))
        {
            return known;
        }

        // So that a method which calls itself ends.
        _asserts[method] = false;
        return _asserts[method] = Called(method).Any(IsJudgement) || Called(method).Select(Own).OfType<MethodDefinition>().Any(Asserts);
    }

    private static bool IsJudgement(MethodReference called) =>
        called.DeclaringType.FullName == "NUnit.Framework.Assert" && Judgements.Contains(called.Name);

    private MethodDefinition? Own(MethodReference called) => called.DeclaringType.Scope == module ? called.Resolve() : null;

    // Of an asynchronous method or an iterator, what its state machine calls; of a lambda, what it calls once it is called.
    private static IEnumerable<MethodReference> Called(MethodDefinition method)
    {
        var machine = Attributes(method).FirstOrDefault(static attribute => attribute.AttributeType.Name.EndsWith("StateMachineAttribute", StringComparison.Ordinal));
        var bodies = machine?.ConstructorArguments[0].Value is TypeReference type ? type.Resolve().Methods.Append(method) : [method];
        return bodies.Where(static body => body.HasBody).SelectMany(static body => body.Body.Instructions).Select(static instruction => instruction.Operand)
            .OfType<MethodReference>();
    }
}
