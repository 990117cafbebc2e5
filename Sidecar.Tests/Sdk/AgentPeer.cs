using System.IO.Pipelines;
using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>Plays the proxy: writes frames byte by byte as the specification says and reads what the agent sends.</summary>
internal sealed class AgentPeer(PipeReader input, PipeWriter output, Socket? socket = null) : IDisposable
{
    public MessageEncoding Encoding { get; private set; } = MessageEncodings.Json;

    public PipeWriter Output => output;

    public static async Task<AgentPeer> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).WaitAsync(Wire.Limit);
        var stream = new NetworkStream(socket, ownsSocket: true);
        return new AgentPeer(PipeReader.Create(stream), PipeWriter.Create(stream), socket);
    }

    public async Task<HandshakeResponse> IntroduceAsync(params string[] encodings)
    {
        await SendAsync(MessageType.HandshakeRequest, AnyMessage.Write(Encoding, new HandshakeRequest
        {
            SupportedVersions = [2],
            ProxyId = "proxy",
            ProxyVersion = "1",
            SupportedEncodings = encodings,
        }));
        var frame = await ReadAsync();
        Assert.That(frame!.Value.Type, Is.EqualTo(MessageType.HandshakeResponse));
        var response = HandshakeCodec.ReadResponse(frame.Value.Payload);
        Encoding = MessageEncodings.ByName(response.Encoding);
        return response;
    }

    public async Task SendAsync(MessageType type, byte[] payload) => await output.WriteAsync(Wire.Frame(type, payload)).AsTask().WaitAsync(Wire.Limit);

    public Task SendAsync(AgentEvent message) => SendAsync(message.Type, AnyMessage.Write(Encoding, message));

    public Task CancelAsync(CorrelationId id) =>
        SendAsync(MessageType.Cancel, AnyMessage.Write(Encoding, new CancelRequest(id, CancelReason.ClientDisconnect, 1)));

    /// <summary>When the pong is back, the agent has taken all that was sent before.</summary>
    public async Task PingAsync()
    {
        byte[] payload = [1, 0, 0xFF, (byte)'{'];
        await SendAsync(MessageType.Ping, payload);
        var frame = await ReadAsync();
        Assert.That((frame!.Value.Type, Convert.ToHexString(frame.Value.Payload)), Is.EqualTo((MessageType.Pong, Convert.ToHexString(payload))));
    }

    public Task<(MessageType Type, byte[] Payload)?> ReadAsync() => Wire.ReadAsync(input);

    public async Task<AgentAnswer> ReadAnswerAsync()
    {
        var frame = await ReadAsync() ?? throw new EndOfStreamException("the agent closed the connection; an answer was expected");
        Assert.That(frame.Type, Is.EqualTo(MessageType.AgentResponse));
        return Encoding.ReadResponse(frame.Payload);
    }

    public async Task<AgentAnswer> AskAsync(AgentEvent message)
    {
        await SendAsync(message);
        return await ReadAnswerAsync();
    }

    /// <summary>Expects the agent to close without a word; how abruptly does not matter.</summary>
    public async Task AssertClosedAsync()
    {
        var reading = Task.Run(async () => await input.ReadAsync());
        await ((Task)reading).WaitAsync(Wire.Limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(reading.IsCompleted, Is.True, "still open");
        if (reading.IsCompletedSuccessfully)
        {
            var result = await reading;
            Assert.That((result.IsCompleted, result.Buffer.Length), Is.EqualTo((true, 0L)));
            input.AdvanceTo(result.Buffer.End);
        }
    }

    public void Dispose()
    {
        socket?.Dispose();
        output.Complete();
        input.Complete();
    }
}
