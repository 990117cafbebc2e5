using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>Whatever a peer sends is a message or a <see cref="ProtocolException"/>, and never anything else.</summary>
public sealed class HostileBytesTests
{
    private static readonly MessageType[] Types = [.. Enum.GetValues<MessageType>().Where(type => type != MessageType.None)];

    [FsCheck.NUnit.Property(MaxTest = 2000)]
    public void RandomBytes_AreAMessageOrAProtocolError(byte[] payload) => AssertAllReaders(payload);

    [Test]
    public void GoldenFrames_WithAnyByteChanged_AreAMessageOrAProtocolError([Range(0, 3)] int seed)
    {
        var random = new Random(seed);
        foreach (var frame in GoldenFrame.All)
        {
            for (var round = 0; round < 25; round++)
            {
                var payload = (byte[])frame.Payload.Clone();
                for (var change = random.Next(1, 4); change > 0; change--)
                {
                    payload[random.Next(payload.Length)] = (byte)random.Next(256);
                }

                AssertReads(AnyMessage.Encoding(frame.IsJson), frame.Type, frame.IsRegistration, payload);
                _ = AnyMessage.Encoding(frame.IsJson).SalvageCorrelationId(payload);
            }
        }
    }

    [Test]
    public void GoldenFrames_ReadAsAnotherType_AreAMessageOrAProtocolError()
    {
        foreach (var frame in GoldenFrame.All)
        {
            foreach (var type in Types)
            {
                AssertReads(AnyMessage.Encoding(frame.IsJson), type, frame.IsRegistration, frame.Payload);
            }
        }
    }

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public void RequestHeaders_AnyText_RoundTripsInBothEncodings(
        NonNull<string> method, NonNull<string> uri, string? route, (NonNull<string> Name, NonNull<string> Value)[] fields)
    {
        var headers = new HeaderBlock(0, 0);
        foreach (var (name, value) in fields)
        {
            headers.Add(name.Get, value.Get);
        }

        var message = new RequestHeadersEvent
        {
            CorrelationId = TypicalMessages.Id,
            Metadata = new RequestMetadata { RouteId = route },
            Method = method.Get,
            Uri = uri.Get,
            Headers = headers,
        };
        AssertRoundTrips(message);
    }

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public void Answer_AnyText_RoundTripsInBothEncodings(
        NonNull<string> text, NonEmptyString name, ushort status, bool more, byte[]? data, uint index, NonNull<string> id)
    {
        var response = new AgentResponse
        {
            Decision = new BlockDecision((ushort)(100 + (status % 500)), text.Get),
            RequestHeaders = [HeaderOperation.Set(name.Get, text.Get), HeaderOperation.Remove(name.Get)],
            RoutingMetadata = new Dictionary<string, string>(StringComparer.Ordinal) { [name.Get] = text.Get },
            Audit = new AuditMetadata { Tags = [text.Get], Confidence = 0.25f },
            NeedsMore = more,
            ResponseBodyMutation = data is null ? null : new BodyMutation(data, index),
            WebSocketDecision = WebSocketDecision.Close(status, text.Get),
        };
        AssertRoundTrips(new AgentAnswer(CorrelationId.Parse(id.Get), response));
    }

    private static void AssertRoundTrips(object message)
    {
        var type = message is AgentEvent e ? e.Type : MessageType.AgentResponse;
        foreach (var encoding in new[] { MessageEncodings.Json, MessageEncodings.MessagePack })
        {
            var again = AnyMessage.Read(encoding, type, registration: false, AnyMessage.Write(encoding, message));

            // Unpaired surrogates cannot be written as UTF-8; a second round trip must change nothing any more.
            var third = AnyMessage.Read(encoding, type, registration: false, AnyMessage.Write(encoding, again));
            Assert.That(ReferenceShape.Of(again).ToJsonString(), Is.EqualTo(Repaired(ReferenceShape.Of(message).ToJsonString())), encoding.Name);
            Assert.That(ReferenceShape.Of(third).ToJsonString(), Is.EqualTo(ReferenceShape.Of(again).ToJsonString()), encoding.Name);
        }
    }

    private static string Repaired(string text) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    private static void AssertAllReaders(byte[] payload)
    {
        foreach (var encoding in new[] { MessageEncodings.Json, MessageEncodings.MessagePack })
        {
            _ = encoding.SalvageCorrelationId(payload);
            foreach (var type in Types)
            {
                AssertReads(encoding, type, registration: false, payload);
                AssertReads(encoding, type, registration: true, payload);
            }
        }
    }

    private static void AssertReads(MessageEncoding encoding, MessageType type, bool registration, byte[] payload)
    {
        try
        {
            Assert.That(AnyMessage.Read(encoding, type, registration, payload), Is.Not.Null);
        }
        catch (ProtocolException e)
        {
            Assert.That(e.Message, Is.Not.Empty);
        }
    }
}
