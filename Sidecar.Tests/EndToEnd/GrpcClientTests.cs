using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Our client calls a gRPC server that is not ours over a Unix socket.</summary>
[Category("EndToEnd")]
internal sealed class GrpcClientTests
{
    private const string Ask = "/test.Service/Ask";
    private const string Chat = "/test.Service/Chat";
    private const int Largest = 16 * 1024 * 1024;

    private readonly FakeTimeProvider _clock = new();
    private TempDirectory _directory = null!;
    private ChildProcess _server = null!;
    private GrpcChannel _channel = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _directory = new TempDirectory();
        var path = _directory.Socket("grpc");
        _server = PeerScript.Start(GrpcPeer.Python, "grpc_server", path);
        await _server.WaitForAsync("ready");
        _channel = new GrpcChannel(new GrpcChannelOptions
        {
            EndPoint = new UnixDomainSocketEndPoint(path),
            MaxReceiveLength = Largest,
            MaxSendLength = Largest,
            Time = _clock,
            ConnectTimeout = Limit,
        });
    }

    [TearDown]
    public async Task StopAsync()
    {
        _channel.Dispose();
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Unary_IsAnsweredWhateverItsSize()
    {
        foreach (var size in new[] { 0, 1, 70_000, 5_000_000 })
        {
            var body = Body(new string('x', size));
            var reply = await _channel.AskAsync(Ask, body, HttpBody.Parser, new GrpcCallOptions { Timeout = Limit }, CancellationToken.None);
            Assert.That((reply.Status.ToString(), reply.Message?.Equals(body)), Is.EqualTo(("Ok", true)), $"{size} bytes");
        }
    }

    [Test]
    public async Task Stream_InterleavesAndHalfCloses()
    {
        await using var call = _channel.Start(Chat, HttpBody.Parser, null, CancellationToken.None);
        for (var i = 0; i < 50; i++)
        {
            Assert.That(await call.WriteAsync(Body($"{i}"), Soon()), Is.True);
            Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo($"{i}"));
        }

        await call.CompleteAsync();
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status!.Value.IsOk, Is.True);
    }

    [Test]
    public async Task Refusal_ArrivesWithItsMessage()
    {
        var reply = await _channel.AskAsync(Ask, Body("refuse"), HttpBody.Parser, new GrpcCallOptions { Timeout = Limit }, CancellationToken.None);
        Assert.That(reply.Status.ToString(), Is.EqualTo("PermissionDenied: nicht für dich: 100%"));

        await using var call = _channel.Start(Chat, HttpBody.Parser, null, CancellationToken.None);
        await call.WriteAsync(Body("a"), Soon());
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("a"));
        await call.WriteAsync(Body("refuse"), Soon());
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status!.Value.Code, Is.EqualTo(GrpcStatusCode.PermissionDenied));
    }

    [Test]
    public async Task UnknownMethod_IsUnimplemented()
    {
        var reply = await _channel.AskAsync("/test.Service/None", Body("x"), HttpBody.Parser, new GrpcCallOptions { Timeout = Limit }, CancellationToken.None);
        Assert.That(reply.Status.Code, Is.EqualTo(GrpcStatusCode.Unimplemented));
    }

    [Test]
    public async Task Deadline_EndsTheCallThere()
    {
        var options = new GrpcCallOptions { Timeout = Limit };
        var asking = _channel.AskAsync(Ask, Body("hang"), HttpBody.Parser, options, CancellationToken.None);
        await _server.WaitForAsync("hanging with a deadline");

        _clock.Advance(Limit);

        Assert.That((await asking).Status.Code, Is.EqualTo(GrpcStatusCode.DeadlineExceeded));
        await _server.WaitForAsync("hang ended");
    }

    [Test]
    public async Task Cancel_EndsTheCallThere()
    {
        await using (var call = _channel.Start(Chat, HttpBody.Parser, null, CancellationToken.None))
        {
            await call.WriteAsync(Body("hang"), Soon());
            await _server.WaitForAsync("hanging");
        }

        await _server.WaitForAsync("hang ended");
    }

    [Test]
    public async Task Crash_EndsEveryCallAsUnavailable()
    {
        await using var call = _channel.Start(Chat, HttpBody.Parser, null, CancellationToken.None);
        await call.WriteAsync(Body("a"), Soon());
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("a"));

        await _server.KillAsync();

        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status!.Value.Code, Is.EqualTo(GrpcStatusCode.Unavailable));
    }
}
