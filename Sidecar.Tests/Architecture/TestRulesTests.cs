using Mono.Cecil;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Architecture;

/// <summary>What every test keeps: it can fail, and one that needs other programs says so, which is what keeps it out of the quick run.</summary>
internal sealed class TestRulesTests
{
    private static readonly string Path = typeof(TestRulesTests).Assembly.Location;

    [Test]
    public void EveryTest_CanFail()
    {
        using var module = ModuleDefinition.ReadModule(Path);
        var tests = new TestMethods(module);

        Assert.That(tests.All.Count(), Is.GreaterThan(1000), "the search finds no tests");
        Assert.That(tests.All.Where(test => !tests.Judges(test)).Select(static test => $"{test.DeclaringType.Name}.{test.Name}").Order(StringComparer.Ordinal), Is.Empty);
    }

    [Test]
    public void EveryTestOfTheRoomEndToEnd_IsOfThatCategory()
    {
        using var module = ModuleDefinition.ReadModule(Path);

        Assert.That(
            new TestMethods(module).All.Select(static test => test.DeclaringType)
                .Where(static type => type.FullName.StartsWith("Sidecar.Tests.EndToEnd.", StringComparison.Ordinal) && !IsEndToEnd(type))
                .Select(static type => type.FullName).Distinct(),
            Is.Empty);
    }

    [TestCase(nameof(Judged), ExpectedResult = true)]
    [TestCase(nameof(JudgedByAHelper), ExpectedResult = true)]
    [TestCase(nameof(JudgedInALambda), ExpectedResult = true)]
    [TestCase(nameof(NotJudged), ExpectedResult = false)]
    public bool Judgement_IsFound(string method)
    {
        using var module = ModuleDefinition.ReadModule(Path);
        var type = module.GetType(typeof(TestRulesTests).FullName);
        return new TestMethods(module).Judges(type.Methods.Single(one => one.Name == method));
    }

    private static void Judged() => Assert.That(Path, Is.Not.Empty);

    private static async Task JudgedByAHelper()
    {
        await Task.Yield();
        Judged();
    }

    private static void JudgedInALambda() => Array.ForEach([1], static _ => Judged());

    private static async Task NotJudged()
    {
        await Eventually.TrueAsync(static () => true, TimeSpan.Zero, "nothing");
        Assert.Ignore();
    }

    private static bool IsEndToEnd(TypeDefinition type) =>
        type.CustomAttributes.Any(static attribute => attribute.AttributeType.Name == "CategoryAttribute" && attribute.ConstructorArguments[0].Value is "EndToEnd")
        || (type.BaseType?.Resolve() is { } from && from.Module == type.Module && IsEndToEnd(from));
}
