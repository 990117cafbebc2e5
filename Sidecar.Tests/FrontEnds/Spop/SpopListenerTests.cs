using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>The listener on real sockets: bounds, hostile crowds, the stop.</summary>
internal sealed class SpopListenerTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private LambdaAgent _agent = null!;
    private InspectionHarness _harness = null!;
    private TempDirectory _directory = null!;
    private UnixListenerSocket _socket = null!;
    private SpopListener _listener = null!;
    private List<Socket> _clients = null!;

    [SetUp]
    public async Task StartAsync()
    {
        (_agent, _directory, _clients) = (new LambdaAgent("a"), new TempDirectory(), []);
        _harness = await InspectionHarness.StartAsync(_agent);
        Listen(SpopHarness.DefaultOptions);
    }

    [TearDown]
    public async Task StopAsync()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        await _listener.DisposeAsync();
        _socket.Dispose();
        await _harness.DisposeAsync();
        await _agent.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Session_IsServedAndCounted()
    {
        var peer = await ConnectAsync();
        await peer.GreetAsync();

        Assert.That((await peer.AskAsync(SpopAsk.Request()))["act"], Is.EqualTo("allow"));
        Assert.That(_harness.Sums.Of("proxy.sessions"), Is.EqualTo(new[] { "spop:test=1" }));
        await peer.SendAsync(SpopProxy.DisconnectFrame(0, "normal"));
        await peer.GoodbyeAsync();
        await Eventually.TrueAsync(
            () => _listener.Connections == 0 && _harness.Sums.Sum("proxy.sessions") == 0 && _harness.Sums.Sum("proxy.session.ends") == 1, Generous, "the end of the session");
        Assert.That(_harness.Sums.Of("proxy.session.ends"), Is.EqualTo(new[] { "spop:test|disconnected=1" }));
    }

    [Test]
    public async Task OneSessionTooMany_IsToldSo_AndTheOthersGoOn()
    {
        await RestartAsync(SpopHarness.DefaultOptions with { MaxConnections = 3 });
        var peers = new List<SpopPeer>();
        for (var i = 0; i < 3; i++)
        {
            peers.Add(await ConnectAsync());
            await peers[i].GreetAsync();
        }

        var extra = await ConnectAsync();

        Assert.That((await extra.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.ResourceAllocation));
        foreach (var peer in peers)
        {
            Assert.That((await peer.AskAsync(SpopAsk.Request()))["act"], Is.EqualTo("allow"));
        }
    }

    [Test]
    public async Task ThousandsOfConnections_AreBounded_AndAWellBehavedOneIsServed()
    {
        await RestartAsync(SpopHarness.DefaultOptions with { MaxConnections = 200 });
        var good = await ConnectAsync();
        await good.GreetAsync();
        for (var i = 0; i < 2000; i++)
        {
            var hostile = await ConnectAsync();
            if (i % 2 == 0)
            {
                await TrySendAsync(hostile);
            }

            Assert.That(_listener.Connections, Is.LessThanOrEqualTo(200));
        }

        for (var i = 0; i < 20; i++)
        {
            Assert.That((await good.AskAsync(SpopAsk.Request($"tx-{i}")))["act"], Is.EqualTo("allow"));
        }

        foreach (var client in _clients.Skip(1))
        {
            client.Dispose();
        }

        await Eventually.TrueAsync(() => _listener.Connections == 1, Generous, "the end of the hostile sessions");
    }

    [Test]
    public async Task Stop_SaysGoodbyeOnEveryConnection()
    {
        var peers = new[] { await ConnectAsync(), await ConnectAsync() };
        foreach (var peer in peers)
        {
            await peer.GreetAsync();
        }

        await _listener.DisposeAsync();

        foreach (var peer in peers)
        {
            Assert.That((await peer.GoodbyeAsync()).Status, Is.EqualTo((uint)SpopStatus.Normal));
        }

        Assert.That(_listener.Connections, Is.Zero);
    }

    [Test]
    public async Task AbstractName_IsPaddedAsHaproxyPadsIt()
    {
        var name = $"sidecar-test-{Guid.NewGuid():N}";
        var endPoint = AbstractSocket.EndPoint(name);

        Assert.That(endPoint.Serialize().Size, Is.EqualTo(110), "two bytes of family and the whole of sun_path");
        using var first = AbstractSocket.Bind(endPoint);
        Assert.That(() => AbstractSocket.Bind(endPoint), Throws.TypeOf<ListenerSocketException>());
        await Task.CompletedTask;
    }

    private async Task RestartAsync(SpopListenerOptions options)
    {
        await _listener.DisposeAsync();
        _socket.Dispose();
        Listen(options);
    }

    private void Listen(SpopListenerOptions options)
    {
        _socket = new UnixListenerSocket(new UnixListenerOptions(), new FakeLogger<UnixListenerSocket>(_harness.Logs.Collector));
        _listener = new SpopListener(options, _harness.Inspector, _harness.Sums.Metrics, _harness.Logs);
        _listener.Start(new UnixDomainSocketEndPoint(_directory.Socket("spop")), _socket.Bind);
    }

    private static async Task TrySendAsync(SpopPeer peer)
    {
        try
        {
            await peer.SendAsync([0, 0]);
        }
        catch (IOException)
        {
            // One beyond the bound may be closed before it has said anything.
        }
    }

    private async Task<SpopPeer> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _clients.Add(socket);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_directory.Socket("spop")));
        var stream = new NetworkStream(socket);
        return new SpopPeer(new SocketPipe(PipeReader.Create(stream), PipeWriter.Create(stream)));
    }

    private sealed record SocketPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
