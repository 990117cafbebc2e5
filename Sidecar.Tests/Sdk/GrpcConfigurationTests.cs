using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings.Protobuf;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Grpc;
using Sidecar.Tests.Support;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.Sdk;

/// <summary>
/// An agent of ours behind another's proxy on gRPC: that takes a pong for consent to the configuration before it, and the end of the stream for a refusal; it
/// looks at no answer.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GrpcConfigurationTests : IAsyncDisposable
{
    private static readonly Func<ConfigureEvent, Task<AgentResponse>> Accepts = static _ => Task.FromResult(AgentResponse.Allow);

    private readonly TempDirectory _directory = new();
    private GrpcAgentServer? _server;
    private ForeignChannel? _channel;
    private ForeignCall<Wire.AgentToProxy>? _call;

    public async ValueTask DisposeAsync()
    {
        await (_call?.DisposeAsync() ?? default);
        _channel?.Dispose();
        await (_server?.DisposeAsync() ?? default);
        _directory.Dispose();
    }

    [Test]
    public async Task Pong_IsHeldUntilEveryConfigurationBeforeItsPingIsDecided()
    {
        var decisions = new[] { NewDecision(), NewDecision() };
        var asked = 0;
        await ConnectAsync(_ => decisions[asked++].Task);
        await PingAsync(1);
        await ConfigureAsync("""{"a":1}""");
        await ConfigureAsync("""{"a":2}""");
        await PingAsync(2);
        Assert.That((await ReadAsync())?.Pong?.Sequence, Is.EqualTo(1), "nothing was undecided before it");

        // An answer to a later event proves that the second ping was taken.
        await RequestAsync("r");
        Assert.That((await ReadAsync())?.Response?.CorrelationId, Is.EqualTo("r"), "events go on meanwhile, the pong does not");
        decisions[0].SetResult(AgentResponse.Allow);
        Assert.That((await ReadAsync())?.Response?.CorrelationId, Is.EqualTo("configure"));
        await RequestAsync("s");
        Assert.That((await ReadAsync())?.Response?.CorrelationId, Is.EqualTo("s"), "one is still undecided");
        decisions[1].SetResult(AgentResponse.Allow);
        Assert.That((await ReadAsync())?.Response?.CorrelationId, Is.EqualTo("configure"));
        Assert.That((await ReadAsync())?.Pong?.Sequence, Is.EqualTo(2));
        await PingAsync(3);
        Assert.That((await ReadAsync())?.Pong?.Sequence, Is.EqualTo(3));
    }

    [Test]
    public async Task RefusedConfiguration_EndsTheStreamWithoutAPong()
    {
        var decision = NewDecision();
        await ConnectAsync(_ => decision.Task);
        await ConfigureAsync("""{"a":1}""");
        await PingAsync(1);
        await RequestAsync("r");
        Assert.That((await ReadAsync())?.Response?.CorrelationId, Is.EqualTo("r"), "the ping is taken");
        decision.SetResult(new AgentResponse { Decision = new BlockDecision(500, "no such rule set") });
        await AssertRefusedAsync();
    }

    [TestCase("{")]
    [TestCase("")]
    public async Task ConfigurationThatIsNoJson_EndsTheStream(string text)
    {
        await ConnectAsync(Accepts);
        await ConfigureAsync(text);
        await PingAsync(1);
        await AssertRefusedAsync();
    }

    [Test]
    public async Task ConfigurationThatTheHandlerFailsOn_EndsTheStream()
    {
        await ConnectAsync(static _ => throw new InvalidDataException("no such rule set"));
        await ConfigureAsync("null");
        await PingAsync(1);
        await AssertRefusedAsync();
    }

    // The wire has no field for it: the handler's allow cannot be said, so it was none.
    [Test]
    public async Task ConsentThatCannotBeEncoded_EndsTheStream()
    {
        await ConnectAsync(static _ => Task.FromResult(AgentResponse.Allow with { RoutingMetadata = new Dictionary<string, string> { ["a"] = "b" } }));
        await ConfigureAsync("null");
        await PingAsync(1);
        await AssertRefusedAsync();
    }

    [Test]
    public async Task PushAndFirstConfiguration_AreToldApart()
    {
        var seen = new List<bool>();
        await ConnectAsync(message =>
        {
            seen.Add(message.IsInitial);
            return Task.FromResult(AgentResponse.Allow);
        });
        foreach (var isInitial in (bool[])[true, false])
        {
            var sent = ControlMapping.ToWire(new ConfigureEvent { IsInitial = isInitial });
            Assert.That((sent.IsInitial, sent.ConfigJson), Is.EqualTo((isInitial, "null")));
            await _call!.WriteAsync(new Wire.ProxyToAgent { Configure = sent }, GrpcRig.Soon());
            await ReadAsync();
        }

        Assert.That(seen, Is.EqualTo(new[] { true, false }));
    }

    private static TaskCompletionSource<AgentResponse> NewDecision() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task ConnectAsync(Func<ConfigureEvent, Task<AgentResponse>> decide)
    {
        var handler = new ScriptedHandler(async (message, _) => message is ConfigureEvent configure ? await decide(configure) : AgentResponse.Allow);
        _server = new GrpcAgentServer(handler, new GrpcAgentServerOptions
        {
            EndPoint = new UnixDomainSocketEndPoint(_directory.Socket("grpc")),
            DrainTimeout = TimeSpan.FromMilliseconds(10),
            Capabilities = AgentHarness.Capabilities,
        });
        await _server.StartAsync();
        _channel = new ForeignChannel(new UnixDomainSocketEndPoint(_directory.Socket("grpc")));
        _call = _channel.Start(GrpcDialect.ProcessStream, Wire.AgentToProxy.Parser);
        await _call.WriteAsync(
            new Wire.ProxyToAgent { Handshake = new Wire.HandshakeRequest { SupportedVersions = { 2 }, ProxyId = "zentinel-proxy", ProxyVersion = "0.6.54", ConfigJson = "{}" } },
            GrpcRig.Soon());
        Assert.That((await ReadAsync())?.Handshake?.Success, Is.True);
    }

    private async Task ConfigureAsync(string json) =>
        await _call!.WriteAsync(new Wire.ProxyToAgent { Configure = new Wire.ConfigureEvent { ConfigJson = json, IsInitial = true } }, GrpcRig.Soon());

    private async Task PingAsync(ulong sequence) =>
        await _call!.WriteAsync(new Wire.ProxyToAgent { Ping = new Wire.Ping { Sequence = sequence } }, GrpcRig.Soon());

    private async Task RequestAsync(string id)
    {
        var request = new Wire.RequestHeadersEvent { Metadata = new Wire.RequestMetadata { CorrelationId = id }, Method = "GET", Uri = "/" };
        await _call!.WriteAsync(new Wire.ProxyToAgent { RequestHeaders = request }, GrpcRig.Soon());
    }

    private async Task<Wire.AgentToProxy?> ReadAsync() => await _call!.ReadAsync(GrpcRig.Soon());

    // Health may be reported before; a pong would be consent.
    private async Task AssertRefusedAsync()
    {
        var answer = await ReadAsync();
        Assert.That(answer?.Response?.Block, Is.Not.Null, "proxies of ours learn the reason from the answer");
        Assert.That(await ReadAsync(), Is.Null);
        Assert.That(_call!.Status?.Code, Is.EqualTo(GrpcStatusCode.Ok));
    }
}
