using System.Net;
using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Grpc;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;
using GrpcStatus = Sidecar.Protocol.Grpc.GrpcStatus;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>gRPC through a real Traefik: asked about once, streams stay streams, and what is refused the upstream never hears of.</summary>
[Category("EndToEnd")]
internal sealed class TraefikGrpcTests
{
    private int _heard;
    private GrpcRig _upstream = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _upstream = await GrpcRig.StartAsync(EchoAsync);

    [OneTimeTearDown]
    public async Task StopAsync() => await (_upstream?.DisposeAsync() ?? ValueTask.CompletedTask);

    [Test]
    public async Task Stream_PassesBothWaysWhileItIsOpen()
    {
        await using var stack = await StartAsync("", EventSet.RequestHeaders, static text => text);
        using var channel = new ForeignChannel(new IPEndPoint(IPAddress.Loopback, stack.Port));
        await using var call = channel.Start(Method, HttpBody.Parser);

        foreach (var text in (string[])["one", "two"])
        {
            Assert.That(await call.WriteAsync(Body(text), Soon()), Is.True);
            Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo(text), "before the next one was sent");
        }

        await call.CompleteAsync();
        Assert.That((await call.ReadAsync(Soon()), call.Status), Is.EqualTo(((HttpBody?)null, (GrpcStatus?)GrpcStatus.Ok)));
        var shown = stack.Agent.Seen.OfType<RequestHeadersEvent>().Single();
        Assert.That((shown.Method, shown.Uri, shown.Headers.Get("content-type")), Is.EqualTo(("POST", Method, "application/grpc")));
        await stack.EndedAsync("inspected", "none", 1);
    }

    [Test]
    public async Task MessageOfAWholeCall_IsSeenAsItReachesTheUpstream()
    {
        await using var stack = await StartAsync(",request-body=yes", EventSet.RequestHeaders | EventSet.RequestBodyChunk, RealTraefik.ForwardingBodies);
        using var channel = ChannelTo(stack);

        var reply = await channel.AskAsync(Method, Body("attack"), HttpBody.Parser, Limit, CancellationToken.None);

        Assert.That((reply.Status, Text(reply.Message)), Is.EqualTo((GrpcStatus.Ok, "attack")));
        Assert.That(stack.ShownBody(), Does.StartWith("\0").And.Contain("attack"));
        await stack.EndedAsync("inspected", "none", 1);
    }

    /// <summary>Clients make of the status of HTTP one of their own.</summary>
    [TestCase(403, GrpcStatusCode.PermissionDenied)]
    [TestCase(200, GrpcStatusCode.PermissionDenied, Description = "would be an allow")]
    [TestCase(503, GrpcStatusCode.Unavailable)]
    public async Task Block_IsNeverHeardOfUpstream(int status, GrpcStatusCode code)
    {
        await using var stack = await StartAsync("", EventSet.RequestHeaders, static text => text);
        stack.Agent.Answers = (_, _) => new(Answer.Block(status));
        using var channel = ChannelTo(stack);
        var heard = Volatile.Read(ref _heard);

        var reply = await channel.AskAsync(Method, Body("x"), HttpBody.Parser, Limit, CancellationToken.None);

        Assert.That((reply.Status.Code, Volatile.Read(ref _heard)), Is.EqualTo((code, heard)));
    }

    private static GrpcChannel ChannelTo(TraefikStack stack) => new(
        new GrpcChannelOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, stack.Port), ConnectTimeout = Limit });

    private Task<TraefikStack> StartAsync(string keys, EventSet supports, Func<string, string> edit) => TraefikStack.StartAsync(
        keys, "", supports,
        text => Regex.Replace(
            edit(text), @"url: ""http://127\.0\.0\.1:\d+""", $"url: \"h2c://127.0.0.1:{_upstream.Port}\"", RegexOptions.None, TimeSpan.FromSeconds(10)));

    private async Task EchoAsync(GrpcServerCall call)
    {
        Interlocked.Increment(ref _heard);
        await foreach (var message in call.ReadAllAsync(HttpBody.Parser, call.Cancellation))
        {
            await call.WriteAsync(message, call.Cancellation);
        }
    }
}
