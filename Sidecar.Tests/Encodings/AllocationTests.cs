using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Encodings;

/// <summary>The two messages of nearly every call cost no memory.</summary>
[NonParallelizable]
public sealed class AllocationTests
{
    private const int Rounds = 1000;

    private static IEnumerable<TestCaseData> Encodings =>
    [
        new TestCaseData(MessageEncodings.Json).SetArgDisplayNames("json"),
        new TestCaseData(MessageEncodings.MessagePack).SetArgDisplayNames("msgpack"),
    ];

    [TestCaseSource(nameof(Encodings))]
    public void PlainAllow_Read_AllocatesNothingAndIsTheSharedObject(MessageEncoding encoding)
    {
        var output = new ArrayBufferWriter<byte>();
        encoding.WriteResponse(output, TypicalMessages.Id, AgentResponse.Allow);
        var payload = output.WrittenMemory;
        AgentAnswer answer = default;
        var allocated = Measure(() => answer = encoding.ReadResponse(payload));
        Assert.Multiple(() =>
        {
            Assert.That(allocated, Is.Zero);
            Assert.That(answer.Response, Is.SameAs(AgentResponse.Allow));
            Assert.That(answer.CorrelationId, Is.EqualTo(TypicalMessages.Id));
        });
    }

    [Test]
    public void PlainAllow_ReadFromTheReferencesArray_AllocatesNothing()
    {
        var array = "9a02a5616c6c6f77909080959090c09081ae636f7272656c6174696f6e5f6964d920";
        var payload = Convert.FromHexString(array + Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(TypicalMessages.Id.ToString())) + "c2c0c0c0");
        AgentAnswer answer = default;
        var allocated = Measure(() => answer = MessageEncodings.MessagePack.ReadResponse(payload));
        Assert.Multiple(() =>
        {
            Assert.That(allocated, Is.Zero);
            Assert.That(answer.Response, Is.SameAs(AgentResponse.Allow));
            Assert.That(answer.CorrelationId, Is.EqualTo(TypicalMessages.Id));
        });
    }

    [TestCaseSource(nameof(Encodings))]
    public void PlainAllow_Written_AllocatesNothing(MessageEncoding encoding)
    {
        var output = new ArrayBufferWriter<byte>(4096);
        var allocated = Measure(() =>
        {
            output.ResetWrittenCount();
            encoding.WriteResponse(output, TypicalMessages.Id, AgentResponse.Allow);
        });
        Assert.That(allocated, Is.Zero);
    }

    [TestCaseSource(nameof(Encodings))]
    public void RequestHeaders_Written_AllocatesNothing(MessageEncoding encoding)
    {
        var output = new ArrayBufferWriter<byte>(4096);
        var message = TypicalMessages.RequestHeaders();
        var allocated = Measure(() =>
        {
            output.ResetWrittenCount();
            encoding.WriteEvent(output, message);
        });
        Assert.That(allocated, Is.Zero);
    }

    [TestCaseSource(nameof(Encodings))]
    public void RequestHeaders_Read_AllocatesLittleMoreThanItsContent(MessageEncoding encoding)
    {
        const int MostBytes = 2048;
        var output = new ArrayBufferWriter<byte>();
        encoding.WriteEvent(output, TypicalMessages.RequestHeaders());
        var payload = output.WrittenMemory;
        var allocated = Measure(() => encoding.ReadEvent(MessageType.RequestHeaders, payload));
        Assert.That(allocated / Rounds, Is.LessThan(MostBytes));
    }

    private static long Measure(Action action) => Allocations.Of(Rounds, action);
}
