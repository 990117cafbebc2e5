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
    public void SocketsBecomePipes_InOnePlace_AndForKestrelInAnother()
    {
        string[] users =
        [
            "Sidecar.Protocol.Transport.SocketOutput", "Sidecar.Protocol.Transport.SocketPipes",
            "Sidecar.Daemon.Listeners.KestrelTransport",
        ];
        string[] makers = ["NativeSocket", "SocketConnectionContextFactory", "SocketTransportFactory", "PolledConnection"];
        var seen = Collect("Sidecar.Protocol.dll").Concat(Collect("sidecar.dll"))
            .Where(reference => makers.Contains(reference.To.Name) && !makers.Contains(reference.From.Name))
            .Select(static reference => reference.From.ToString()).Distinct();
        Assert.That(seen, Is.EquivalentTo(users));
    }

    [Test]
    public void Sdk_NeedsAspNetCoreForGrpcAlone()
    {
        string[] users = ["Sidecar.Protocol.Sdk.GrpcAgentServer", "Sidecar.Protocol.Sdk.ServerTls"];
        var seen = Collect("Sidecar.Protocol.dll")
            .Where(static reference => reference.From.Namespace == "Sidecar.Protocol.Sdk" && reference.To.Assembly.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal))
            .Select(static reference => reference.From.ToString()).Distinct();
        Assert.That(seen, Is.EquivalentTo(users));
    }

    [Test]
    public void Assemblies_AreReallyRead()
    {
        var seen = Collect("Sidecar.Protocol.dll").Select(reference => reference.ToString());
        Assert.That(seen, Does.Contain("Sidecar.Protocol.Framing.FrameFormat -> Sidecar.Protocol.Framing.Frame"));
        Assert.That(Collect("sidecar.dll").Select(reference => reference.From.Namespace), Does.Contain("Sidecar.Daemon"));
    }

    private static HashSet<Reference> Collect(string assembly) =>
        ReferenceCollector.Collect(Path.Combine(AppContext.BaseDirectory, assembly));
}
