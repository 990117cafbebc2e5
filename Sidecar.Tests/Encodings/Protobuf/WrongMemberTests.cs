using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Spop;
using Sidecar.Tests.Support;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.Encodings.Protobuf;

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

    // Lengths near 2 GiB, which a parser adds to its position in 32 bits; in a member, and in a member of that.
    [TestCase("32FFFFFFFF77 B2007B")]
    [TestCase("5AFFFFFFFF07 DA00FF00")]
    [TestCase("1AFFFFFFFFF7 22")]
    [TestCase("1A08 22FFFFFFFF07 0000")]
    [TestCase("1208 62FFFFFFFF07 0000")]
    [TestCase("1208 0AFFFFFFFF07 0000")]
    public void ALengthThatOverflows_NeverCostsMoreThanTheBytesThatCame(string hex)
    {
        var payload = Hex.Bytes(hex);
        foreach (var read in Readers().Select(static row => (Action<ReadOnlyMemory<byte>>)row.Arguments[0]!))
        {
            Assert.That(() => read(payload), Throws.TypeOf<ProtocolException>());
            Assert.That(Allocations.Of(1, () => Assert.That(() => read(payload), Throws.Exception)), Is.LessThan(256 * 1024));
        }

        Assert.That(Allocations.Of(1, () => ProtobufEncoding.OfProxy.SalvageCorrelationId(payload)), Is.LessThan(1024));
    }

    [Test]
    public void ALengthThatOverflowsInACallsMessage_IsTheCallersError()
    {
        var reader = new GrpcMessageReader(PipeReader.Create(new ReadOnlySequence<byte>(Hex.Bytes("00 0000000C 0A0A 52FFFFFFFF07 22001200"))), 1024);

        var error = Assert.ThrowsAsync<GrpcException>(async () => await reader.ReadAsync(CheckRequest.Parser, CancellationToken.None))!;
        Assert.That(error.Status.Code, Is.EqualTo(GrpcStatusCode.Internal));
        Assert.That(error.Message, Does.Contain("reaches beyond"));
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
