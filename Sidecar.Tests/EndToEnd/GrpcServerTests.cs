using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.Grpc;
using static Sidecar.Tests.Grpc.GrpcRig;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A gRPC client that is not ours calls our server over a Unix socket.</summary>
[Category("EndToEnd")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class GrpcServerTests
{
    private const int Largest = 6 * 1024 * 1024;

    private readonly TaskCompletionSource<string> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [TestCase("echo", "hello")]
    [TestCase("large", "same")]
    [TestCase("too_large", "RESOURCE_EXHAUSTED 'a message of 10485765 bytes was received; the limit is 6291456 bytes; send it in smaller pieces'")]
    [TestCase("unknown_method", "UNIMPLEMENTED 'there is no method /test.Service/Other here'")]
    [TestCase("refuse", "PERMISSION_DENIED 'nicht für dich: 100%'")]
    [TestCase("compressed", "UNIMPLEMENTED \"a compressed message was received; only 'identity' is understood; switch compression off\"")]
    [TestCase("headers_first", "True now OK")]
    [TestCase("interleave", "0 left, OK")]
    [TestCase("fail_late", "ABORTED 'no more'")]
    [TestCase("many", "100 right, 100 OK")]
    public async Task Client_SeesWhatWasMeant(string scenario, string expected)
    {
        await using var rig = await StartServerAsync();
        Assert.That(await PlayAsync(rig, scenario), Is.EqualTo(expected));
        Assert.That(rig.Log.Collector.GetSnapshot(), Is.Empty);
    }

    [Test]
    public async Task Deadline_ReachesTheServerAndEndsTheCall()
    {
        await using var rig = await StartServerAsync();
        Assert.That(await PlayAsync(rig, "deadline"), Does.StartWith("DEADLINE_EXCEEDED"));
        Assert.That(await _end.Task.WaitAsync(Soon()), Is.EqualTo("given up, with a timeout of about 5 s"));
    }

    [Test]
    public async Task Cancel_ReachesTheServer()
    {
        await using var rig = await StartServerAsync();
        Assert.That(await PlayAsync(rig, "cancel"), Is.EqualTo("CANCELLED"));
        Assert.That(await _end.Task.WaitAsync(Soon()), Does.StartWith("given up"));
    }

    private static Task<string> PlayAsync(GrpcRig rig, string scenario) => PeerScript.PlayAsync(GrpcPeer.Python, "grpc_client", rig.SocketPath, scenario);

    private Task<GrpcRig> StartServerAsync() => StartAsync(AnswerAsync, new GrpcServerOptions { MaxReceiveLength = Largest, MaxSendLength = Largest });

    private async Task AnswerAsync(GrpcServerCall call)
    {
        call.ResponseHeaders["x-started"] = "yes";
        if (call.RequestHeaders.ContainsKey("x-start"))
        {
            await call.StartAsync();
        }

        await foreach (var message in call.ReadAllAsync(HttpBody.Parser, call.Cancellation))
        {
            switch (message.Body.Length < 100 ? Text(message) : null)
            {
                case "refuse":
                    throw new GrpcException(GrpcStatusCode.PermissionDenied, "nicht für dich: 100%");
                case "fail late":
                    await call.WriteAsync(message, call.Cancellation);
                    call.Fail(GrpcStatusCode.Aborted, "no more");
                    return;
                case "hang":
                    await HangAsync(call);
                    break;
                default:
                    await call.WriteAsync(message, call.Cancellation);
                    break;
            }
        }
    }

    private async Task HangAsync(GrpcServerCall call)
    {
        await call.StartAsync();
        var over = new TaskCompletionSource();
        await using var registration = call.Cancellation.Register(over.SetResult);
        await over.Task;

        // The client's library writes what is left in steps of its own, rounded up.
        _end.SetResult($"given up, with a timeout of {(call.Timeout <= TimeSpan.FromSeconds(5.1) ? "about 5 s" : $"{call.Timeout}")}");
    }
}
