using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>The SDK's agent that dials in, with a proxy that does what a test tells it and a clock that stands still.</summary>
internal abstract class ReverseAgentFixture : IDisposable
{
    private readonly TempDirectory _directory = new();
    private Socket? _listener;

    protected FakeTimeProvider Time { get; } = new();

    protected FakeLoggers Logs { get; } = new();

    protected bool IsDialled => _listener!.Poll(0, SelectMode.SelectRead);

    private string SocketPath => _directory.Socket("reverse");

    [TearDown]
    public void Dispose()
    {
        _listener?.Dispose();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    protected ReverseAgent Agent(Func<ReverseAgentOptions, ReverseAgentOptions>? change = null, IAgentHandler? handler = null)
    {
        var options = new ReverseAgentOptions { AgentId = "waf", SocketPath = SocketPath, Capabilities = AgentHarness.Capabilities, Connections = 1, Time = Time };
        return new ReverseAgent(handler ?? new AllowingHandler(), change?.Invoke(options) ?? options, Logs);
    }

    protected void Listen()
    {
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen();
    }

    protected async Task<AgentPeer> AcceptAsync()
    {
        var socket = await _listener!.AcceptAsync().WaitAsync(Wire.Limit);
        var stream = new NetworkStream(socket, ownsSocket: true);
        return new AgentPeer(System.IO.Pipelines.PipeReader.Create(stream), System.IO.Pipelines.PipeWriter.Create(stream), socket);
    }

    protected async Task<AgentPeer> RegisteredAsync()
    {
        var proxy = await AcceptAsync();
        await ReadRequestAsync(proxy);
        await AnswerAsync(proxy);
        return proxy;
    }

    // Ends the pause after a failure, which has its own length.
    protected async Task GoOnAsync()
    {
        await Eventually.TrueAsync(() => Time.ArmedTimers == 1, Wire.Limit, "the pause");
        Time.Advance(TimeSpan.FromSeconds(2));
    }

    protected static async Task<RegistrationRequest> ReadRequestAsync(AgentPeer proxy)
    {
        var frame = await proxy.ReadAsync();
        Assert.That(frame!.Value.Type, Is.EqualTo(MessageType.HandshakeRequest));
        return HandshakeCodec.ReadRegistrationRequest(frame.Value.Payload);
    }

    protected static Task AnswerAsync(AgentPeer proxy, string? error = null) => proxy.SendAsync(MessageType.HandshakeResponse, AnyMessage.Write(
        MessageEncodings.Json,
        new RegistrationResponse { Success = error is null, Error = error, ProxyId = "proxy", ProxyVersion = "1", ConnectionId = error is null ? "c-1" : "" }));
}
