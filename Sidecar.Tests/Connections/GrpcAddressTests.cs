using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

/// <summary>A name with several addresses, an agent at each: connections are spread over them, and go on without one that dies.</summary>
internal sealed class GrpcAddressTests
{
    private static readonly IPAddress[] Addresses = [IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.2")];

    private readonly FakeTimeProvider _clock = new();
    private LambdaAgent[] _agents = null!;
    private GrpcAgentServer?[] _servers = null!;
    private IPAddress[] _known = null!;
    private int _port;

    [SetUp]
    public async Task StartAsync()
    {
        (_agents, _servers, _known, _port) = ([new LambdaAgent("first"), new LambdaAgent("second")], new GrpcAgentServer?[2], Addresses, 0);
        await StartAsync(0);
        await StartAsync(1);
    }

    [TearDown]
    public async Task StopAsync()
    {
        foreach (var server in _servers)
        {
            await (server?.DisposeAsync() ?? default);
        }
    }

    [Test]
    public async Task Connections_AreSpreadEvenly()
    {
        var dialer = Dialer();
        var connections = new List<IAgentConnection>();
        for (var i = 0; i < 4; i++)
        {
            connections.Add(await dialer.DialAsync(new RecordingSink(), CancellationToken.None));
        }

        await AskAsync(connections);

        Assert.That(_agents.Select(static agent => agent.Seen.Count), Is.EqualTo(new[] { 2, 2 }));
        await DisposeAsync(connections);
    }

    [Test]
    public async Task AddressThatDies_IsLeftAlone_UntilItHasBeenAWhile()
    {
        var dialer = Dialer();
        await _servers[0]!.DisposeAsync();
        var connections = new List<IAgentConnection> { await dialer.DialAsync(new RecordingSink(), CancellationToken.None) };
        await StartAsync(0);

        connections.Add(await dialer.DialAsync(new RecordingSink(), CancellationToken.None));
        await AskAsync(connections);
        Assert.That(_agents.Select(static agent => agent.Seen.Count), Is.EqualTo(new[] { 0, 2 }), "it failed a moment ago, though it has the fewest connections");

        _clock.Advance(TimeSpan.FromSeconds(10));
        connections.Add(await dialer.DialAsync(new RecordingSink(), CancellationToken.None));
        await AskAsync(connections);
        Assert.That(_agents.Select(static agent => agent.Seen.Count), Is.EqualTo(new[] { 1, 4 }), "and gets its share again");
        await DisposeAsync(connections);
    }

    [Test]
    public async Task AddressThatTheNameNoLongerHas_GetsNoNewConnections()
    {
        var dialer = Dialer();
        var connections = new List<IAgentConnection> { await dialer.DialAsync(new RecordingSink(), CancellationToken.None) };
        _known = [Addresses[0]];
        connections.Add(await dialer.DialAsync(new RecordingSink(), CancellationToken.None));
        await AskAsync(connections);

        Assert.That(_agents.Select(static agent => agent.Seen.Count), Is.EqualTo(new[] { 2, 0 }));
        await DisposeAsync(connections);
    }

    [Test]
    public void NameWithoutAddresses_IsNamed()
    {
        _known = [];
        Assert.That(
            () => Dialer().DialAsync(new RecordingSink(), CancellationToken.None), Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains("it has no address"));
    }

    [Test]
    public async Task Pool_KeepsItsConnectionsWithoutTheDeadAddress()
    {
        var settings = new PoolSettings
        {
            AgentId = "waf",
            Connections = 4,
            ReconnectMin = TimeSpan.FromMilliseconds(5),
            ReconnectMax = TimeSpan.FromMilliseconds(50),
            HealthInterval = ScriptedAgent.Limit,
            DrainTimeout = TimeSpan.Zero,
        };
        await using var pool = new ConnectionPool(
            settings, Dialer(TimeProvider.System), new FillThenSpread(), new Random(1), TimeProvider.System, new FakeLogger());
        pool.Start();
        await EventuallyOnAsync(2, 2);

        await _servers[0]!.DisposeAsync();

        await EventuallyOnAsync(0, 4);
        Assert.That(pool.IsAvailable, Is.True);
    }

    private Task EventuallyOnAsync(int first, int second) => Eventually.TrueAsync(
        () => (_servers[0]!.Connections.Count, _servers[1]!.Connections.Count) == (first, second), ScriptedAgent.Limit, $"{first} and {second} connections");

    private async Task StartAsync(int place)
    {
        var server = new GrpcAgentServer(_agents[place], new GrpcAgentServerOptions
        {
            EndPoint = new IPEndPoint(Addresses[place], _port),
            DrainTimeout = TimeSpan.FromMilliseconds(10),
            Capabilities = ScriptedAgent.Capable(),
        });
        await server.StartAsync();
        _servers[place] = server;
        _port = new Uri(server.Address).Port;
    }

    private GrpcDialer Dialer(TimeProvider? time = null) => new(
        Endpoints.Of($"http://agents.test:{_port}"),
        new ConnectedAgent().Settings with { ConnectTimeout = ScriptedAgent.Limit },
        null,
        time ?? _clock,
        new FakeLogger(),
        (name, _) => name == "agents.test" ? Task.FromResult(_known) : throw new SocketException((int)SocketError.HostNotFound));

    private async Task AskAsync(IEnumerable<IAgentConnection> connections)
    {
        foreach (var connection in connections)
        {
            var result = await connection.CallAsync(TestEvents.Headers(1), _clock.GetTimestamp() + (60 * _clock.TimestampFrequency));
            Assert.That(result.IsAnswered, Is.True);
        }
    }

    private static async Task DisposeAsync(IEnumerable<IAgentConnection> connections)
    {
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }
    }
}
