using System.Text;
using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Listeners;
using Sidecar.Daemon.Listeners.Registration;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Connections;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners.Registration;

/// <summary>A reverse listener on a real socket with agents <c>waf</c> and <c>bot</c> that nobody's pool takes yet, and a clock that stands still.</summary>
internal sealed class ReverseRig : IAsyncDisposable
{
    public const string WafToken = "waf-token-0123456789";
    public const string BotToken = "bot-token-0123456789";

    public ReverseRig(
        bool withTokens = false, int limit = 2, int maxPerAgent = int.MaxValue, Func<ReverseListenerOptions, ReverseListenerOptions>? change = null)
    {
        Agents = new[] { "waf", "bot" }.ToDictionary(
            static id => id,
            id => new RegisteredConnections(new ConnectedAgent().Settings with { AgentId = id }, limit, Time, new FakeLogger(Log, "connections")),
            StringComparer.Ordinal);
        Socket = new UnixListenerSocket(new UnixListenerOptions(), new FakeLogger<UnixListenerSocket>(Log));
        var options = new ReverseListenerOptions { Name = "reverse:r", Path = Path, CreateListenSocket = Socket.Bind, ProxyVersion = "9.8.7" };
        var rules = new RegistrationRules(id => Agents.GetValueOrDefault(id), withTokens ? Tokens() : null, maxPerAgent);
        Listener = new ReverseListener(change?.Invoke(options) ?? options, rules, Sums.Metrics, Time, new FakeLogger(Log, "listener"));
        Listener.Start();
    }

    public TempDirectory Directory { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public MetricSums Sums { get; } = new();

    public FakeLogCollector Log { get; } = new();

    public Dictionary<string, RegisteredConnections> Agents { get; }

    public RegisteredConnections Waf => Agents["waf"];

    public UnixListenerSocket Socket { get; }

    public ReverseListener Listener { get; }

    public string Path => Directory.Socket("r");

    /// <summary>How attempts ended so far: <c>outcome=count</c>.</summary>
    public IEnumerable<string> Outcomes => Sums.Of("agent.registrations").Select(static line => line[(line.IndexOf('|', StringComparison.Ordinal) + 1)..]);

    public static RegistrationRequest Request(string agent = "waf", string? token = null) =>
        new() { ProtocolVersion = 2, AgentId = agent, Capabilities = ScriptedAgent.Capable(), AuthToken = token };

    public Task<AgentPeer> ConnectAsync() => AgentPeer.ConnectAsync(Path);

    /// <summary>Connects and registers; the peer stays open.</summary>
    public async Task<(AgentPeer Peer, RegistrationResponse Response)> RegisterAsync(RegistrationRequest? request = null)
    {
        var peer = await ConnectAsync();
        await peer.SendAsync(MessageType.HandshakeRequest, AnyMessage.Write(MessageEncodings.Json, request ?? Request()));
        return (peer, await ReadAsync(peer));
    }

    /// <summary>The answer to a registration.</summary>
    public static async Task<RegistrationResponse> ReadAsync(AgentPeer peer)
    {
        var frame = await peer.ReadAsync() ?? throw new EndOfStreamException("the listener closed without an answer");
        return frame.Type == MessageType.HandshakeResponse
            ? HandshakeCodec.ReadRegistrationResponse(frame.Payload)
            : throw new InvalidDataException($"the answer has type {frame.Type}");
    }

    public Task OutcomeAsync(string outcome) => Eventually.TrueAsync(() => Outcomes.Contains(outcome), ScriptedAgent.Limit, $"{outcome} instead of {string.Join(", ", Outcomes)}");

    public async ValueTask DisposeAsync()
    {
        Socket.Unlink();
        await Listener.DisposeAsync();
        foreach (var agent in Agents.Values)
        {
            agent.Dispose();
        }

        Sums.Dispose();
        Directory.Dispose();
    }

    private AgentTokens Tokens()
    {
        var path = Directory.File("tokens");
        File.WriteAllBytes(path, Encoding.UTF8.GetBytes($"waf {WafToken}\nbot {BotToken}\n"));
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        return AgentTokens.Load(path, Agents.Keys);
    }
}
