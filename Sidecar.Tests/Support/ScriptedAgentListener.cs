using System.Net.Sockets;
using System.Threading.Channels;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>An agent's Unix socket in a test's directory: accepts connections into a queue, stops and starts again on the same path.</summary>
internal sealed class ScriptedAgentListener(string path) : IAsyncDisposable
{
    private readonly Channel<ScriptedAgent> _accepted = Channel.CreateUnbounded<ScriptedAgent>();
    private readonly List<ScriptedAgent> _all = [];
    private Socket? _socket;
    private Task _accepting = Task.CompletedTask;

    /// <summary>The socket's path.</summary>
    public string Path => path;

    /// <summary>Connections accepted since the beginning.</summary>
    public int Accepted { get; private set; }

    /// <summary>Runs for each connection as soon as it is accepted, before it is queued; for agents that need no script.</summary>
    public Func<ScriptedAgent, Task>? OnAccepted { get; set; }

    /// <summary>Listens; what is left at the path is removed.</summary>
    public void Start(int backlog = 64)
    {
        File.Delete(path);
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        _socket.Listen(backlog);
        _accepting = AcceptAllAsync(_socket);
    }

    /// <summary>Accepts no more and, unless told otherwise, breaks the connections there are.</summary>
    public async Task StopAsync(bool keepConnections = false)
    {
        _socket?.Dispose();
        await _accepting;
        if (!keepConnections)
        {
            foreach (var agent in _all)
            {
                await agent.DisposeAsync();
            }

            _all.Clear();
        }
    }

    /// <summary>The next connection, as it was accepted: its handshake has not been taken unless <see cref="OnAccepted"/> did.</summary>
    public async Task<ScriptedAgent> NextAsync() => await _accepted.Reader.ReadAsync().AsTask().WaitAsync(ScriptedAgent.Limit, TimeProvider.System);

    /// <summary>The next connection, after a handshake.</summary>
    public async Task<ScriptedAgent> NextReadyAsync(AgentCapabilities? capabilities = null)
    {
        var agent = await NextAsync();
        await agent.AcceptAsync(capabilities: capabilities);
        return agent;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task AcceptAllAsync(Socket listener)
    {
        while (true)
        {
            try
            {
                var agent = new ScriptedAgent(await listener.AcceptAsync());
                _all.Add(agent);
                Accepted++;
                _ = OnAccepted?.Invoke(agent);
                _accepted.Writer.TryWrite(agent);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
