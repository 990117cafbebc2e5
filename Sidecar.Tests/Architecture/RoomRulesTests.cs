using NUnit.Framework;

namespace Sidecar.Tests.Architecture;

public sealed class RoomRulesTests
{
    private readonly RoomRules _rules = new(Rooms.All);

    [TestCase("Daemon", "Daemon.Cli")]
    [TestCase("Daemon", "Protocol.Sdk")]
    [TestCase("Daemon.Cli", "Daemon")]
    [TestCase("Daemon.FrontEnds.AuthRequest", "Daemon.Inspection")]
    [TestCase("Daemon.FrontEnds.AuthRequest.Nginx", "Daemon.FrontEnds.AuthRequest")]
    [TestCase("Daemon.FrontEnds.AuthRequest", "Daemon.FrontEnds.Common")]
    [TestCase("Daemon.FrontEnds.AgentProtocol", "Protocol.Sdk")]
    [TestCase("Daemon.Inspection", "Daemon.Connections")]
    [TestCase("Daemon.Connections", "Daemon.Configuration")]
    [TestCase("Daemon.Diagnostics", "Protocol.Messages")]
    [TestCase("Daemon.Rollouts", "Daemon.Agents")]
    [TestCase("Daemon.Control", "Daemon.Rollouts")]
    [TestCase("Protocol.Encodings", "Protocol.Framing")]
    [TestCase("Protocol.Sdk", "Protocol.Transport")]
    public void AllowedReference_IsNoOffence(string from, string to) => Assert.That(Offences(from, to), Is.Empty);

    [TestCase("Daemon.Connections", "Daemon.Pooling")]
    [TestCase("Daemon.Pooling", "Daemon.Agents")]
    [TestCase("Daemon.Agents", "Daemon.Inspection")]
    [TestCase("Daemon.Inspection", "Daemon.FrontEnds.AuthRequest")]
    [TestCase("Daemon.FrontEnds.AuthRequest", "Daemon.FrontEnds.Spop")]
    [TestCase("Daemon.FrontEnds.Common", "Daemon.FrontEnds.Spop")]
    [TestCase("Daemon.FrontEnds.AuthRequest", "Protocol.Sdk")]
    [TestCase("Daemon.FrontEnds.AuthRequest", "Daemon.Hosting")]
    [TestCase("Daemon.Configuration", "Daemon.Agents")]
    [TestCase("Daemon.Diagnostics", "Daemon.Configuration")]
    [TestCase("Daemon.Control", "Daemon.Cli")]
    [TestCase("Daemon.Control", "Daemon.FrontEnds.Common")]
    [TestCase("Daemon.Supervision", "Daemon.Agents")]
    [TestCase("Daemon.Hosting", "Daemon")]
    [TestCase("Protocol.Framing", "Protocol.Transport")]
    [TestCase("Protocol.Messages", "Protocol.Encodings")]
    [TestCase("Protocol.Spop", "Protocol.Sdk")]
    public void ForbiddenReference_IsNamed(string from, string to) =>
        Assert.That(Offences(from, to), Is.EqualTo(new[] { $"Sidecar.{from}.A -> Sidecar.{to}.B" }));

    [TestCase("Daemon.Attic", "Daemon", "Daemon.Attic.A")]
    [TestCase("Daemon", "Daemon.Attic", "Daemon.Attic.B")]
    [TestCase("Daemon.FrontEnds.Gopher", "Daemon.Inspection", "Daemon.FrontEnds.Gopher.A")]
    [TestCase("Protocol", "Protocol.Framing", "Protocol.A")]
    public void UnknownNamespace_AsksForALineInTheTable(string from, string to, string type) =>
        Assert.That(Offences(from, to), Has.One.StartsWith($"Sidecar.{type}: the namespace").And.One.Contains("Add it to Rooms"));

    [Test]
    public void GlobalNamespace_IsUnknownExceptForCompilerTypes()
    {
        var to = new TypeId("sidecar", "Sidecar.Daemon", "B");
        Assert.That(_rules.Offences([new Reference(new TypeId("sidecar", "", "A"), to)]), Has.Count.EqualTo(1));
        Assert.That(_rules.Offences([new Reference(new TypeId("sidecar", "", "<PrivateImplementationDetails>"), to)]), Is.Empty);
    }

    [TestCase("Protocol.Transport", 1)]
    [TestCase("Protocol.Grpc", 1)]
    [TestCase("Protocol.Grpc.Client", 1)]
    [TestCase("Protocol.Grpc.Server", 0)]
    [TestCase("Protocol.Sdk", 0)]
    [TestCase("Daemon.FrontEnds.AuthRequest", 0)]
    public void AspNetCore_IsForTheSdkAndTheDaemon(string from, int offences)
    {
        var to = new TypeId("Microsoft.AspNetCore.Connections.Abstractions", "Microsoft.AspNetCore.Connections", "ConnectionContext");
        Assert.That(_rules.Offences([new Reference(new TypeId("x", $"Sidecar.{from}", "A"), to)]), Has.Count.EqualTo(offences));
    }

    [TestCase("Protocol.Messages", 1)]
    [TestCase("Protocol.Envoy", 0)]
    [TestCase("Protocol.Grpc", 0)]
    [TestCase("Daemon.Inspection", 1)]
    [TestCase("Daemon.FrontEnds.AuthRequest", 1)]
    [TestCase("Daemon.FrontEnds.ExtProc", 0)]
    [TestCase("Daemon.Connections", 0)]
    public void Protobuf_IsForTheRoomsThatSpeakGrpc(string from, int offences)
    {
        var to = new TypeId("Google.Protobuf", "Google.Protobuf", "IMessage");
        Assert.That(_rules.Offences([new Reference(new TypeId("x", $"Sidecar.{from}", "A"), to)]), Has.Count.EqualTo(offences));
    }

    [Test]
    public void Table_NamesOnlyRoomsThatExistAndEachOnce()
    {
        var names = Rooms.All.Select(room => room.Namespace).ToArray();
        Assert.That(names, Is.Unique);
        Assert.That(Rooms.All.SelectMany(room => room.MayUse).Distinct(), Is.SubsetOf(names.Append(Room.Everything)));
    }

    private IReadOnlyList<string> Offences(string from, string to) =>
        _rules.Offences([new Reference(new TypeId("x", $"Sidecar.{from}", "A"), new TypeId("x", $"Sidecar.{to}", "B"))]);
}
