using System.Buffers;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Grpc.Mapping;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Spop;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.Grpc.Mapping;

/// <summary>A message whose member is another than the one it is read as: the peer's mistake, never a null reference of ours.</summary>
internal sealed class WrongMemberTests
{
    private static readonly ArrayBufferWriter<byte> Output = new();

    public static IEnumerable<TestCaseData> Readers() =>
    [
        Row("answer", static payload => ProtobufEncoding.OfProxy.ReadResponse(payload)),
        Row("health", static payload => ProtobufEncoding.OfProxy.ReadHealth(payload)),
        Row("metrics", static payload => ProtobufEncoding.OfProxy.ReadMetrics(payload)),
        Row("config update", static payload => ProtobufEncoding.OfProxy.ReadConfigUpdate(payload)),
        Row("flow control", static payload => ProtobufEncoding.OfProxy.ReadFlowControl(payload)),
        Row("log", static payload => ProtobufEncoding.OfProxy.ReadLog(payload)),
        Row("event", static payload => ProtobufEncoding.OfAgent.ReadEvent(MessageType.RequestHeaders, payload)),
        Row("handshake", static payload => GrpcDialect.Instance.ReadRequest(payload)),
        Row("handshake response", static payload => GrpcDialect.Instance.ReadResponse(payload)),
        Row("cancel", static payload => GrpcDialect.Instance.ReadCancel(payload)),
        Row("ping", static payload => GrpcDialect.Instance.WritePong(Output, payload, 0)),
    ];

    [TestCaseSource(nameof(Readers))]
    public void AMemberThatIsNotThere_IsAProtocolError(Action<ReadOnlyMemory<byte>> read)
    {
        // Nothing, and a member that no version has.
        foreach (var payload in new byte[][] { [], Hex.Bytes("FA07 00") })
        {
            Assert.That(() => read(payload), Throws.TypeOf<ProtocolException>().With.Message.Contains("holds"));
        }
    }

    // Health, then what 64 bits call a field without a name and 32 bits call a log line: a parser forgets the health.
    [TestCase("1A00 C2808080 10 00")]
    [TestCase("C2808080 10 00")]
    [TestCase("1A00 C280808080 00 00", Description = "six bytes for a tag of five")]
    [TestCase("02 00", Description = "field 0")]
    public void ATagThatParsersReadDifferently_IsNoMessage(string hex)
    {
        var payload = Hex.Bytes(hex);
        var buffer = new ReadOnlySequence<byte>([0, 0, 0, 0, (byte)payload.Length, .. payload]);

        Assert.That(GrpcDialect.Instance.ProxyFormat.TryRead(ref buffer, FrameLimits.MaxLength, out _, out _), Is.EqualTo(FrameScanStatus.Malformed));
    }

    [TestCase("""{"route_id":"\ud800"}""")]
    [TestCase("""{"categories":["\udc00"]}""")]
    [TestCase("""{"metadata":{"\ud800":"a"}}""")]
    public void HalfACharacterInAGuardrailsContext_IsAProtocolError(string context)
    {
        var payload = new Wire.ProxyToAgent { Guardrail = new Wire.GuardrailInspectEvent { ContextJson = context } }.ToByteArray();

        Assert.That(() => ProtobufEncoding.OfAgent.ReadEvent(MessageType.GuardrailInspect, payload), Throws.TypeOf<ProtocolException>());
    }

    private static TestCaseData Row(string name, Action<ReadOnlyMemory<byte>> read) => new TestCaseData(read).SetArgDisplayNames(name);
}
