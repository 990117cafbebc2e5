using NUnit.Framework;

namespace Sidecar.Tests.Architecture;

/// <summary>Code depends one way. Reads the built assemblies, so what the compiler added counts too.</summary>
public sealed class ArchitectureTests
{
    [TestCase("Sidecar.Protocol.dll")]
    [TestCase("sidecar.dll")]
    public void EveryReference_FollowsTheTableOfRooms(string assembly)
    {
        var offences = new RoomRules(Rooms.All).Offences(Collect(assembly));
        Assert.That(offences, Is.Empty, () => string.Join('\n', offences.Prepend($"{offences.Count} offences in {assembly}:")));
    }

    [Test]
    public void Assemblies_AreReallyRead()
    {
        var seen = Collect("Sidecar.Protocol.dll").Select(reference => reference.ToString());
        Assert.That(seen, Does.Contain("Sidecar.Protocol.Framing.FrameScanner -> Sidecar.Protocol.Framing.Frame"));
        Assert.That(Collect("sidecar.dll").Select(reference => reference.From.Namespace), Does.Contain("Sidecar.Daemon"));
    }

    private static HashSet<Reference> Collect(string assembly) =>
        ReferenceCollector.Collect(Path.Combine(AppContext.BaseDirectory, assembly));
}
