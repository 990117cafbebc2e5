using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using NUnit.Framework;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class KestrelListenerTests : IDisposable
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private readonly TempDirectory _directory = new();
    private readonly FakeLoggers _logs = new();

    private string SocketPath => _directory.Socket("http.sock");

    public void Dispose()
    {
        _logs.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task StopAsync_RequestUnderWay_UnlinksFirstAndStillAnswers()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = Listener(new UnixDomainSocketEndPoint(SocketPath));
        await listener.StartAsync(
            new Application(async _ =>
            {
                arrived.SetResult();
                await release.Task;
            }),
            CancellationToken.None);
        using var client = UnixHttp.Client(SocketPath);
        var answer = client.SendAsync(UnixHttp.Get("/"));
        await arrived.Task.WaitAsync(Generous);

        var stopping = listener.StopAsync(CancellationToken.None);

        Assert.That(File.Exists(SocketPath), Is.False, "the file goes before the stop waits");
        Assert.That(stopping.IsCompleted, Is.False);
        release.SetResult();
        using var response = await answer.WaitAsync(Generous);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await stopping.WaitAsync(Generous);
    }

    [Test]
    public async Task StopAsync_GraceOver_CutsOff()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = Listener(new UnixDomainSocketEndPoint(SocketPath));
        await listener.StartAsync(
            new Application(async features =>
            {
                arrived.SetResult();
                var gone = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, gone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }),
            CancellationToken.None);
        using var client = UnixHttp.Client(SocketPath);
        var answer = client.SendAsync(UnixHttp.Get("/"));
        await arrived.Task.WaitAsync(Generous);

        await listener.StopAsync(new CancellationToken(canceled: true)).WaitAsync(Generous);

        Assert.That(async () => await answer.WaitAsync(Generous), Throws.InstanceOf<HttpRequestException>());
    }

    [Test]
    public async Task StartAsync_LoopbackPortZero_TellsThePortChosen()
    {
        await using var listener = Listener(new IPEndPoint(IPAddress.Loopback, 0));
        await listener.StartAsync(new Application(static _ => Task.CompletedTask), CancellationToken.None);
        using var client = new HttpClient();

        using var answer = await client.GetAsync(new Uri(listener.Address));

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.Headers.Server, Is.Empty);
    }

    [Test]
    public async Task StartAsync_PathTaken_SaysSo()
    {
        await using var first = Listener(new UnixDomainSocketEndPoint(SocketPath));
        await first.StartAsync(new Application(static _ => Task.CompletedTask), CancellationToken.None);
        await using var second = Listener(new UnixDomainSocketEndPoint(SocketPath));

        Assert.That(
            async () => await second.StartAsync(new Application(static _ => Task.CompletedTask), CancellationToken.None),
            Throws.InstanceOf<IOException>().With.Message.Contains(SocketPath));
    }

    [Test]
    public async Task Request_BytesAbove127InHeaders_ArriveAndLeaveAsTheyAre()
    {
        await using var listener = Listener(new UnixDomainSocketEndPoint(SocketPath));
        await listener.StartAsync(
            new Application(static features =>
            {
                features.GetRequiredFeature<IHttpResponseFeature>().Headers["X-Back"] = features.GetRequiredFeature<IHttpRequestFeature>().Headers["X-There"];
                return Task.CompletedTask;
            }),
            CancellationToken.None);

        var answer = await UnixHttp.ExchangeAsync(SocketPath, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-There: \u00ff\u0080\u00e4\r\n\r\n");

        Assert.That(answer, Does.Contain("X-Back: \u00ff\u0080\u00e4\r\n"));
    }

    [Test]
    public async Task Request_BodyAnnouncedButNotSent_IsAnsweredAtOnce()
    {
        await using var listener = Listener(new UnixDomainSocketEndPoint(SocketPath));
        await listener.StartAsync(new Application(static _ => Task.CompletedTask), CancellationToken.None);

        var answer = await UnixHttp.ExchangeAsync(SocketPath, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n");

        Assert.That(answer, Does.StartWith("HTTP/1.1 200 OK"));
    }

    private KestrelListener Listener(EndPoint endPoint) => new(new KestrelListenerOptions { EndPoint = endPoint }, _logs);

    private sealed class Application(Func<IFeatureCollection, Task> handle) : IHttpApplication<IFeatureCollection>
    {
        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
        }

        public Task ProcessRequestAsync(IFeatureCollection context) => handle(context);
    }
}
