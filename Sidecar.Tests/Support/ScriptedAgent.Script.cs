using System.Buffers.Binary;
using Google.Protobuf;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Tests.Support;

/// <content>What it can say.</content>
internal sealed partial class ScriptedAgent
{
    /// <summary>Capabilities of an agent that wants everything and handles many calls at once.</summary>
    public static AgentCapabilities Capable(uint concurrent = 256) => new()
    {
        AgentId = "scripted",
        Name = "Scripted",
        Version = "1",
        SupportedEvents = EventSet.All,
        Features = new AgentFeatures { ConcurrentRequests = concurrent, StreamingBody = true, Cancellation = true },
        Limits = new AgentLimits { MaxConcurrency = concurrent },
    };

    /// <summary>Takes the handshake and agrees. Returns what the other side said.</summary>
    /// <param name="encoding">The encoding chosen, offered or not.</param>
    /// <param name="capabilities">What it says of itself; <see cref="Capable"/> if null.</param>
    /// <param name="version">The protocol version chosen.</param>
    public async Task<HandshakeRequest> AcceptAsync(
        string encoding = ProtocolConstants.Json, AgentCapabilities? capabilities = null, uint version = ProtocolConstants.Version)
    {
        var request = await ReceiveHandshakeAsync();
        Encoding = Dialect != AgentDialect.Native ? Dialect.AgentEncoding(new HandshakeResponse())
            : encoding == ProtocolConstants.MessagePack ? MessageEncodings.MessagePack : MessageEncodings.Json;
        await RespondAsync(new HandshakeResponse { Success = true, ProtocolVersion = version, Encoding = encoding, Capabilities = capabilities ?? Capable() });
        return request;
    }

    /// <summary>Takes the handshake and says no.</summary>
    public async Task RefuseAsync(string error)
    {
        await ReceiveHandshakeAsync();
        await RespondAsync(new HandshakeResponse { Success = false, Error = error });
    }

    /// <summary>Takes the handshake and says nothing.</summary>
    public async Task<HandshakeRequest> ReceiveHandshakeAsync() =>
        Dialect.ReadRequest((await ReceiveAsync(MessageType.HandshakeRequest)).Payload);

    /// <summary>Answers a handshake with any answer.</summary>
    public Task RespondAsync(HandshakeResponse response) => SendAsync(MessageType.HandshakeResponse, frame => Dialect.WriteResponse(frame, response));

    /// <summary>The next frame, which must have this type.</summary>
    public async Task<ReceivedFrame> ReceiveAsync(MessageType type)
    {
        var frame = await ReceiveAsync();
        return frame.Type == type ? frame : throw new InvalidOperationException($"A {type} frame was expected; a {frame.Type} frame came.");
    }

    /// <summary>The next frame, which must be an event.</summary>
    public async Task<AgentEvent> ReceiveEventAsync()
    {
        var frame = await ReceiveAsync();
        return Encoding.ReadEvent(frame.Type, frame.Payload);
    }

    /// <summary>The next frame, which must be this event.</summary>
    public async Task<T> ReceiveEventAsync<T>()
        where T : AgentEvent => (T)await ReceiveEventAsync();

    /// <summary>The next frame, which must be a cancel.</summary>
    public async Task<CancelRequest> ReceiveCancelAsync() => Dialect.ReadCancel((await ReceiveAsync(MessageType.Cancel)).Payload);

    /// <summary>Whether its answers say which exchange they are for. When not, only their order does (spec §11.3).</summary>
    public bool NamesIds { get; set; } = true;

    /// <summary>Answers an event; as often and as late as one likes.</summary>
    public Task AnswerAsync(AgentEvent message, AgentResponse? response = null) => AnswerAsync(NamesIds ? message.CorrelationId : default, response);

    /// <summary>Sends an answer for any exchange, or for none with the empty id.</summary>
    public Task AnswerAsync(CorrelationId id, AgentResponse? response = null) =>
        SendAsync(MessageType.AgentResponse, frame => Encoding.WriteResponse(frame, id, response ?? AgentResponse.Allow));

    /// <summary>Sends an answer that names its exchange but holds a decision that cannot be. Not in MessagePack.</summary>
    public Task AnswerBadlyAsync(AgentEvent message) => SendAsync(
        MessageType.AgentResponse,
        Dialect == GrpcDialect.Instance
        ? new Protocol.Grpc.Wire.AgentToProxy { Response = new() { CorrelationId = $"{message.CorrelationId}", Block = new() { Status = 7 } } }.ToByteArray()
        : System.Text.Encoding.UTF8.GetBytes($$"""{"correlation_id":"{{message.CorrelationId}}","decision":"perhaps"}"""));

    /// <summary>Answers an event byte by byte.</summary>
    public Task AnswerInDripsAsync(AgentEvent message, AgentResponse? response = null)
    {
        using var frame = FrameBuffer.Rent(MessageType.AgentResponse);
        Encoding.WriteResponse(frame, NamesIds ? message.CorrelationId : default, response ?? AgentResponse.Allow);
        return DripAsync(frame.Finish().ToArray(Dialect.ProxyFormat));
    }

    /// <summary>Answers an event with a confidence that is no number, in the way of the encoding agreed on.</summary>
    public Task AnswerNotANumberAsync(AgentEvent message)
    {
        if (Encoding.Name == ProtocolConstants.MessagePack)
        {
            return AnswerAsync(message, new AgentResponse { Decision = Decision.Allow, Audit = new AuditMetadata { Confidence = float.NaN } });
        }

        var id = NamesIds ? message.CorrelationId.ToString() : "";
        return SendAsync(
            MessageType.AgentResponse, System.Text.Encoding.UTF8.GetBytes("{\"correlation_id\":\"" + id + "\",\"decision\":\"allow\",\"audit\":{\"confidence\":NaN}}"));
    }

    /// <summary>Sends an answer that is not even the encoding agreed on.</summary>
    public Task AnswerGarbageAsync() => SendAsync(MessageType.AgentResponse, new byte[] { 0xC1, 0xFF, 0x00 });

    /// <summary>Reports its health.</summary>
    public Task SendHealthAsync(HealthStatus health) => SendAsync(MessageType.HealthStatus, frame => Encoding.WriteHealth(frame, health));

    /// <summary>Asks to pause or go on.</summary>
    public Task SendFlowControlAsync(FlowAction action) =>
        SendAsync(MessageType.FlowControl, frame => Encoding.WriteFlowControl(frame, new FlowControlSignal { Action = action }));

    /// <summary>Repeats a ping.</summary>
    public Task SendPongAsync(ReceivedFrame ping) => SendAsync(MessageType.Pong, ping.Payload);

    /// <summary>Sends one whole frame of any type.</summary>
    public Task SendAsync(MessageType type, ReadOnlyMemory<byte> payload) => SendRawAsync(Frame(type, payload));

    /// <summary>Announces a frame of this length, within the limits or not, and sends nothing of it.</summary>
    public Task AnnounceAsync(uint length)
    {
        var bytes = new byte[FrameLimits.LengthSize];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, length);
        return SendRawAsync(bytes);
    }

    /// <summary>Sends a part of a frame and closes its sending side.</summary>
    public async Task TruncateAsync()
    {
        var whole = Frame(MessageType.AgentResponse, System.Text.Encoding.UTF8.GetBytes("{}"));
        await SendRawAsync(whole.AsMemory(0, whole.Length - 1));
        HalfClose();
    }

    private byte[] Frame(MessageType type, ReadOnlyMemory<byte> payload)
    {
        return new OutgoingFrame(type, payload).ToArray(Dialect.ProxyFormat);
    }

    private Task SendAsync(MessageType type, Action<FrameBuffer> write)
    {
        using var frame = FrameBuffer.Rent(type);
        write(frame);
        return SendRawAsync(frame.Finish().ToArray(Dialect.ProxyFormat));
    }
}
