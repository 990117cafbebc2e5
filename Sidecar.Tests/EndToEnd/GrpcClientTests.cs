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
            var reply = await _channel.AskAsync(Ask, body, HttpBody.Parser, Limit, CancellationToken.None);
            Assert.That((reply.Status.ToString(), reply.Message?.Equals(body)), Is.EqualTo(("Ok", true)), $"{size} bytes");
        }
    }

    [Test]
    public async Task Stream_Interleaves()
    {
        await using var call = await _channel.OpenAsync(Chat, Soon());
        var reader = ReaderOf(call);
        for (var i = 0; i < 50; i++)
        {
            await WriteAsync(call, $"{i}");
            Assert.That(Text(await reader.ReadAsync(HttpBody.Parser, Soon())), Is.EqualTo($"{i}"));
        }
    }

    [Test]
    public async Task Refusal_ArrivesWithItsMessage()
    {
        var reply = await _channel.AskAsync(Ask, Body("refuse"), HttpBody.Parser, Limit, CancellationToken.None);
        Assert.That(reply.Status.ToString(), Is.EqualTo("PermissionDenied: nicht für dich: 100%"));

        await using var call = await _channel.OpenAsync(Chat, Soon());
        var reader = ReaderOf(call);
        await WriteAsync(call, "a");
        Assert.That(Text(await reader.ReadAsync(HttpBody.Parser, Soon())), Is.EqualTo("a"));
        await WriteAsync(call, "refuse");
        Assert.That(await reader.ReadAsync(HttpBody.Parser, Soon()), Is.Null);
        Assert.That(call.DescribeEnd(null), Does.StartWith("PermissionDenied"));
    }

    [Test]
    public async Task UnknownMethod_IsUnimplemented()
    {
        var reply = await _channel.AskAsync("/test.Service/None", Body("x"), HttpBody.Parser, Limit, CancellationToken.None);
        Assert.That(reply.Status.Code, Is.EqualTo(GrpcStatusCode.Unimplemented));
    }

    [Test]
    public async Task Deadline_EndsTheCallThere()
    {
        var asking = _channel.AskAsync(Ask, Body("hang"), HttpBody.Parser, Limit, CancellationToken.None);
        await _server.WaitForAsync("hanging with a deadline");

        _clock.Advance(Limit);

        Assert.That((await asking).Status.Code, Is.EqualTo(GrpcStatusCode.DeadlineExceeded));
        await _server.WaitForAsync("hang ended");
    }

    [Test]
    public async Task Cancel_EndsTheCallThere()
    {
        await using (var call = await _channel.OpenAsync(Chat, Soon()))
        {
            await WriteAsync(call, "hang");
            await _server.WaitForAsync("hanging");
        }

        await _server.WaitForAsync("hang ended");
        Assert.That(_server.HasExited, Is.False);
    }

    [Test]
    public async Task Crash_EndsEveryCallAsUnavailable()
    {
        await using var call = await _channel.OpenAsync(Chat, Soon());
        var reader = ReaderOf(call);
        await WriteAsync(call, "a");
        Assert.That(Text(await reader.ReadAsync(HttpBody.Parser, Soon())), Is.EqualTo("a"));

        await _server.KillAsync();

        var end = Assert.CatchAsync<IOException>(async () => await reader.ReadAsync(HttpBody.Parser, Soon()));
        Assert.That(call.DescribeEnd(end), Does.StartWith("Unavailable"));
    }

    private static GrpcMessageReader ReaderOf(GrpcStreamCall call) => new(call.Input, Largest);

    private static async Task WriteAsync(GrpcStreamCall call, string text)
    {
        GrpcMessageWriter.Write(call.Output, Body(text), Largest);
        await call.Output.FlushAsync(Soon());
    }
}
