using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http.Features;
using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;

namespace Sidecar.Tests.Grpc;

/// <summary>Calls that end with a status other than OK: because the handler says so, because of limits, because the peer is no gRPC.</summary>
public sealed class GrpcFailureTests
{
    [Test]
    public async Task FailureBeforeAnyMessage_IsAStatusInTheHeaders()
    {
        await using var rig = await StartAsync(static _ => throw new GrpcException(GrpcStatusCode.PermissionDenied, "nicht für dich: 100%\n"));
        using var response = await SendRawAsync(rig, []);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.Headers.GetValues("grpc-status"), Is.EqualTo(new[] { "7" }));
            Assert.That(response.Headers.GetValues("grpc-message"), Is.EqualTo(new[] { "nicht f%C3%BCr dich: 100%25%0A" }));
            Assert.That(response.TrailingHeaders, Is.Empty);
            Assert.That(await response.Content.ReadAsByteArrayAsync(Soon()), Is.Empty);
        }

        var reply = await rig.AskAsync(Body("x"));
        Assert.That((reply.Status.Code, reply.Status.Message, reply.Message), Is.EqualTo((GrpcStatusCode.PermissionDenied, "nicht für dich: 100%\n", (HttpBody?)null)));
    }

    [Test]
    public async Task FailureAfterAMessage_IsAStatusInTheTrailers()
    {
        await using var rig = await StartAsync(static async call =>
        {
            await call.WriteAsync(Body("part"), call.Cancellation);
            call.Fail(GrpcStatusCode.Aborted, "no more");
        });
        await using var call = rig.Start();
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("part"));
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status.ToString(), Is.EqualTo("Aborted: no more"));
        Assert.That(await call.WriteAsync(Body("late"), Soon()), Is.False);
    }

    [Test]
    public async Task HandlerThatThrows_IsUnknownToItsCallerAndLogged()
    {
        await using var rig = await StartAsync(static _ => throw new InvalidOperationException("secret detail"));

        var reply = await rig.AskAsync(Body("x"));

        Assert.That(reply.Status.Code, Is.EqualTo(GrpcStatusCode.Unknown));
        Assert.That(reply.Status.Message, Does.Not.Contain("secret"));
        var entry = await rig.Log.Collector.WaitForAsync(static entry => entry.Id.Id == 200, Limit);
        Assert.That(entry.Exception!.Message, Is.EqualTo("secret detail"));
        Assert.That((await rig.AskAsync(Body("x"))).Status.Code, Is.EqualTo(GrpcStatusCode.Unknown), "the connection lives on");
    }

    [Test]
    public async Task UnknownMethod_IsUnimplemented()
    {
        await using var rig = await StartAsync(static _ => Task.CompletedTask);
        var reply = await rig.AskAsync(Body("x"), "/test.Service/Other");
        Assert.That(reply.Status.ToString(), Is.EqualTo("Unimplemented: there is no method /test.Service/Other here"));
    }

    [Test]
    public async Task NoAnswer_IsInternal()
    {
        await using var rig = await StartAsync(static _ => Task.CompletedTask);
        var reply = await rig.AskAsync(Body("x"));
        Assert.That(reply.Status.ToString(), Is.EqualTo($"Internal: {Method} ended with OK but without an answer"));
    }

    [Test]
    public async Task TwoAnswersToOneQuestion_AreInternal()
    {
        await using var rig = await StartAsync(static async call =>
        {
            await call.WriteAsync(Body("1"), call.Cancellation);
            await call.WriteAsync(Body("2"), call.Cancellation);
        });
        Assert.That((await rig.AskAsync(Body("x"))).Status.ToString(), Is.EqualTo($"Internal: {Method} answered more than once"));
    }

    [TestCase("GET", "application/grpc", HttpStatusCode.MethodNotAllowed)]
    [TestCase("POST", "application/json", HttpStatusCode.UnsupportedMediaType)]
    [TestCase("POST", "application/grpc+json", HttpStatusCode.UnsupportedMediaType)]
    public async Task RequestThatIsNoGrpc_GetsAnHttpStatus(string method, string contentType, HttpStatusCode expected)
    {
        await using var rig = await StartAsync(static _ => Task.CompletedTask);
        using var response = await SendRawAsync(rig, [], contentType, method);
        Assert.That(response.StatusCode, Is.EqualTo(expected));
    }

    [TestCase("5")]
    [TestCase("5s")]
    [TestCase("123456789S")]
    public async Task BadTimeout_IsRefused(string timeout)
    {
        await using var rig = await StartAsync(static _ => Task.CompletedTask);
        using var response = await SendRawAsync(rig, [], timeout: timeout);
        Assert.That(response.Headers.GetValues("grpc-status"), Is.EqualTo(new[] { "13" }));
    }

    [TestCase("474554202F", null, "13")]
    [TestCase("0000000005FF", null, "13")]
    [TestCase("0000000002FFFF", null, "13")]
    [TestCase("0100000000", null, "13")]
    [TestCase("0100000000", "gzip", "12")]
    [TestCase("00FFFFFFFF", null, "8")]
    public async Task GarbageInsteadOfAMessage_EndsTheCallOnly(string hex, string? encoding, string status)
    {
        await using var rig = await StartAsync(static async call => await call.ReadAsync(HttpBody.Parser, call.Cancellation));
        using var response = await SendRawAsync(rig, Convert.FromHexString(hex), encoding: encoding);
        Assert.That(response.Headers.GetValues("grpc-status"), Is.EqualTo(new[] { status }));
        Assert.That(response.Headers.Contains("grpc-accept-encoding"), Is.EqualTo(encoding is not null));
    }

    [Test]
    public async Task MessageAboveALimit_IsNamedOnTheSideThatMinds()
    {
        var large = Body(new string('x', 2000));
        await using var narrow = await StartAsync(EchoOnceAsync, new GrpcServerOptions { MaxReceiveLength = 1000 });
        await using var shy = await StartAsync(EchoOnceAsync, new GrpcServerOptions { MaxSendLength = 1000 });
        await using var deaf = await StartAsync(EchoOnceAsync, client: static options => options with { MaxReceiveLength = 1000 });
        await using var mute = await StartAsync(EchoOnceAsync, client: static options => options with { MaxSendLength = 1000 });
        foreach (var (rig, word) in new[] { (narrow, "received"), (shy, "sent"), (deaf, "received"), (mute, "sent") })
        {
            var reply = await rig.AskAsync(large);
            Assert.That(reply.Status.Code, Is.EqualTo(GrpcStatusCode.ResourceExhausted));
            Assert.That(reply.Status.Message, Does.Contain("2003 bytes").And.Contain("limit is 1000").And.Contain(word));
            Assert.That((await rig.AskAsync(Body("small"))).Status.IsOk, Is.True, "the connection lives on");
        }
    }

    [TestCase(503, GrpcStatusCode.Unavailable)]
    [TestCase(404, GrpcStatusCode.Unimplemented)]
    [TestCase(200, GrpcStatusCode.Unknown)]
    public async Task PeerThatIsNoGrpc_IsNamed(int status, GrpcStatusCode code)
    {
        await using var rig = await StartRawAsync(features =>
        {
            var response = features.GetRequiredFeature<IHttpResponseFeature>();
            response.StatusCode = status;
            response.Headers.ContentType = "text/html";
            return Task.CompletedTask;
        });
        var reply = await rig.AskAsync(Body("x"));
        Assert.That(reply.Status.Code, Is.EqualTo(code));
        Assert.That(reply.Status.Message, Does.Contain(status == 200 ? "'text/html'" : $"{status}"));
    }

    [Test]
    public async Task EndWithoutAStatus_IsUnknown()
    {
        await using var rig = await StartRawAsync(static features =>
        {
            features.GetRequiredFeature<IHttpResponseFeature>().Headers.ContentType = "application/grpc";
            return Task.CompletedTask;
        });
        Assert.That((await rig.AskAsync(Body("x"))).Status.ToString(), Is.EqualTo("Unknown: the server ended the call without a status"));
    }

    [TestCase(0x7, GrpcStatusCode.Unavailable)]
    [TestCase(0x8, GrpcStatusCode.Cancelled)]
    [TestCase(0xB, GrpcStatusCode.ResourceExhausted)]
    [TestCase(0x2, GrpcStatusCode.Internal)]
    public async Task StreamThatIsReset_EndsWithTheCodeOfItsError(int error, GrpcStatusCode code)
    {
        await using var rig = await StartRawAsync(async features =>
        {
            features.GetRequiredFeature<IHttpResponseFeature>().Headers.ContentType = "application/grpc";
            await features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.FlushAsync(Soon());
            features.GetRequiredFeature<IHttpResetFeature>().Reset(error);
        });
        var reply = await rig.AskAsync(Body("x"));
        Assert.That(reply.Status.Code, Is.EqualTo(code), reply.Status.Message);
    }

    [Test]
    public async Task NobodyThere_IsUnavailable()
    {
        using var directory = new TempDirectory();
        using var channel = new GrpcChannel(new GrpcChannelOptions { EndPoint = new UnixDomainSocketEndPoint(directory.Socket("none")), ConnectTimeout = Limit });
        var reply = await channel.AskAsync(Method, Body("x"), HttpBody.Parser, Limit, CancellationToken.None);
        Assert.That(reply.Status.Code, Is.EqualTo(GrpcStatusCode.Unavailable));

        var again = await channel.AskAsync(Method, Body("x"), HttpBody.Parser, null, CancellationToken.None);
        Assert.That(again.Status.Message, Does.Contain("make a new channel"), "a channel connects once");
    }

    [Test]
    public async Task PeerThatAcceptsAndIsSilent_CostsTheTimeoutOnly()
    {
        using var directory = new TempDirectory();
        using var listener = Listen(directory.Socket("silent"));
        var clock = new FakeTimeProvider();
        using var channel = new GrpcChannel(new GrpcChannelOptions { EndPoint = listener.LocalEndPoint!, Time = clock, ConnectTimeout = Limit });
        var asking = channel.AskAsync(Method, Body("x"), HttpBody.Parser, Limit, CancellationToken.None);
        using var accepted = await listener.AcceptAsync(Soon());

        clock.Advance(Limit);

        Assert.That((await asking).Status.Code, Is.EqualTo(GrpcStatusCode.DeadlineExceeded));
    }

    [TestCase("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")]
    [TestCase("")]
    public async Task PeerThatSpeaksAnotherProtocol_EndsTheCall(string answer)
    {
        using var directory = new TempDirectory();
        using var listener = Listen(directory.Socket("other"));
        using var channel = new GrpcChannel(new GrpcChannelOptions { EndPoint = listener.LocalEndPoint!, ConnectTimeout = Limit });
        var asking = channel.AskAsync(Method, Body("x"), HttpBody.Parser, null, CancellationToken.None);
        using (var accepted = await listener.AcceptAsync(Soon()))
        {
            await accepted.SendAsync(System.Text.Encoding.ASCII.GetBytes(answer), Soon());
        }

        Assert.That((await asking).Status.Code, Is.AnyOf(GrpcStatusCode.Unavailable, GrpcStatusCode.Internal));
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        return socket;
    }

    private static async Task EchoOnceAsync(GrpcServerCall call) =>
        await call.WriteAsync((await call.ReadAsync(HttpBody.Parser, call.Cancellation))!, call.Cancellation);

    private static async Task<HttpResponseMessage> SendRawAsync(
        GrpcRig rig, byte[] body, string contentType = "application/grpc", string method = "POST", string? encoding = null, string? timeout = null)
    {
        using var client = UnixHttp.Client(rig.SocketPath);
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri("http://localhost" + Method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } },
        };
        request.Headers.Add("te", "trailers");
        if (encoding is not null)
        {
            request.Headers.Add("grpc-encoding", encoding);
        }

        if (timeout is not null)
        {
            request.Headers.Add("grpc-timeout", timeout);
        }

        return await client.SendAsync(request, Soon());
    }
}
