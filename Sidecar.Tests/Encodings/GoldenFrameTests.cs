using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Every frame captured from the reference implementation: what it means to us, and how we would have written it.</summary>
public sealed class GoldenFrameTests
{
    private const int FramesInCorpus = 186;

    private static IEnumerable<TestCaseData> Frames =>
        GoldenFrame.All.Select(frame => new TestCaseData(frame).SetArgDisplayNames(frame.ToString()));

    [Test]
    public void Corpus_AllFramesAreTested() => Assert.That(Frames.Count(), Is.EqualTo(FramesInCorpus));

    [TestCaseSource(nameof(Frames))]
    public void ReferenceFrame_Read_EveryFieldIsUnderstood(object source)
    {
        var frame = (GoldenFrame)source;
        var shape = JsonSerializer.SerializeToElement(ReferenceShape.Of(AnyMessage.Read(frame)));
        var expected = JsonSerializer.SerializeToElement(GoldenDifferences.Meaning(frame));
        Assert.That(JsonMatch.Missing(expected, shape), Is.Null);
    }

    [TestCaseSource(nameof(Frames))]
    public void ReferenceFrame_RewrittenInBothEncodings_MeansTheSame(object source)
    {
        var frame = (GoldenFrame)source;
        var message = AnyMessage.Read(frame);
        var shape = JsonSerializer.SerializeToElement(ReferenceShape.Of(message));
        foreach (var encoding in new[] { MessageEncodings.Json, MessageEncodings.MessagePack, MessageEncodings.MessagePackBinaryBody })
        {
            var alwaysJson = AnyMessage.IsAlwaysJson(frame.Type);
            var again = AnyMessage.Read(
                alwaysJson ? MessageEncodings.Json : encoding, frame.Type, frame.IsRegistration, AnyMessage.Write(encoding, message));
            var difference = JsonMatch.Difference(shape, JsonSerializer.SerializeToElement(ReferenceShape.Of(again)));
            Assert.That(difference, Is.Null, encoding.Name);
        }
    }

    [TestCaseSource(nameof(Frames))]
    public void ReferenceFrame_Rewritten_DiffersOnlyAsDocumented(object source)
    {
        var frame = (GoldenFrame)source;
        var message = AnyMessage.Read(frame);
        var expected = JsonSerializer.SerializeToElement(GoldenDifferences.Text(frame));
        var text = JsonElement.Parse(AnyMessage.Write(MessageEncodings.Json, message));
        Assert.That(JsonMatch.Difference(expected, text), Is.Null, "JSON");
        if (!AnyMessage.IsAlwaysJson(frame.Type))
        {
            var written = Bytes.Read(
                AnyMessage.Write(MessageEncodings.MessagePack, message), static (ref MessagePackValueReader r) => r.ReadJson(), out _);
            Assert.That(JsonMatch.Difference(expected, written), Is.Null, "MessagePack");
        }
    }

    [Test]
    public void Differences_EveryReasonIsUsed() =>
        Assert.That(
            GoldenDifferences.All.Where(difference => !GoldenFrame.All.Any(difference.AppliesTo)).Select(difference => difference.Reason),
            Is.Empty);

    [Test]
    public void RequestHeaders_MessagePack_CorrelationIdComesFirst()
    {
        var frame = GoldenFrame.All.First(frame => !frame.IsJson && frame.Type == MessageType.RequestHeaders);
        var written = AnyMessage.Write(MessageEncodings.MessagePack, AnyMessage.Read(frame));
        var first = Bytes.Read(written, static (ref MessagePackValueReader r) => r.ReadJson(), out _).EnumerateObject().First();
        Assert.That(first.Name, Is.EqualTo("correlation_id"));
    }

    [TestCaseSource(nameof(Frames))]
    public void ReferenceFrame_CutAnywhere_IsAProtocolError(object source)
    {
        var frame = (GoldenFrame)source;
        for (var length = 0; length < frame.Payload.Length; length++)
        {
            var cut = frame.Payload.AsMemory(0, length);
            Assert.That(
                () => AnyMessage.Read(AnyMessage.Encoding(frame.IsJson), frame.Type, frame.IsRegistration, cut),
                Throws.InstanceOf<ProtocolException>(),
                $"cut to {length}");
        }
    }
}
