using NUnit.Framework;
using Sidecar.Tests.Architecture.Fixtures;

namespace Sidecar.Tests.Architecture;

/// <summary>Shows that the architecture test can fail: each kind of reference is seen.</summary>
public sealed class ReferenceCollectorTests
{
    private static readonly HashSet<Reference> References = ReferenceCollector.Collect(typeof(ReferenceCollectorTests).Assembly.Location);

    private static readonly Type[] Referenced =
    [
        typeof(AsBase), typeof(IAsInterface), typeof(AsField), typeof(AsParameter), typeof(AsReturn), typeof(AsArray),
        typeof(AsArgumentOfField), typeof(AsConstraint), typeof(AsLocal), typeof(AsTypeof), typeof(AsNew), typeof(AsCall),
        typeof(AsGenericArgument), typeof(AsCatch), typeof(InLambda), typeof(InAsync), typeof(InNested), typeof(AroundNested),
        typeof(AfterSwitch), typeof(AsAttribute), typeof(Width), typeof(AsAttributeArgument),
    ];

    [TestCaseSource(nameof(Referenced))]
    public void Reference_IsSeen(Type type) => Assert.That(References, Does.Contain(Of(type)));

    [Test]
    public void Referrer_NeedsNothingElseOfOurs()
    {
        var all = References.Where(reference => reference.From == Id(typeof(Referrer)) && reference.To.Assembly == "Sidecar.Tests");
        Assert.That(all, Is.EquivalentTo(Referenced.Select(Of)));
        Assert.That(References, Does.Not.Contain(Of(typeof(NotReferenced))));
    }

    [Test]
    public void TypesOfOtherAssemblies_AreSeenWithTheirAssembly()
    {
        var tests = new TypeId("Sidecar.Tests", typeof(ReferenceCollectorTests).Namespace!, nameof(ReferenceCollectorTests));
        Assert.That(References, Does.Contain(new Reference(tests, new TypeId("nunit.framework", "NUnit.Framework", nameof(Assert)))));
    }

    private static Reference Of(Type type) => new(Id(typeof(Referrer)), Id(type));

    private static TypeId Id(Type type) => new("Sidecar.Tests", type.Namespace!, type.Name);
}
