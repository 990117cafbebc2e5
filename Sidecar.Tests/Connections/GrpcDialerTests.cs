using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

/// <summary>The dialer against agents of the SDK, over real HTTP/2: cleartext, Unix sockets, and TLS in every way it can go wrong.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GrpcDialerTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly LambdaAgent _agent = new("waf");

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task Events_AreAnswered([Values("http", "unix")] string how)
    {
        _agent.Answers = static (message, _) => new(message is BodyChunkEvent body ? Answer.Block(418).WithBody($"{body.Data.Length}") : AgentResponse.Allow);
        await using var server = await StartAsync(how == "unix" ? new UnixDomainSocketEndPoint(_directory.Socket("grpc")) : null);
        await using var connection = await DialAsync(how == "unix" ? $"grpc-unix:{_directory.Socket("grpc")}" : server.Address);
        Assert.That((await CallAsync(connection, TestEvents.Headers(1, "/cart"))).IsAnswered, Is.True);
        var body = await CallAsync(connection, TestEvents.Chunk(1, size: 3_500_000));
        Assert.That(((BlockDecision)body.Response!.Decision).Body, Is.EqualTo("3500000"));
        Assert.That(((RequestHeadersEvent)_agent.Seen[0]).Uri, Is.EqualTo("/cart"));
    }

    [Test]
    public async Task AgentThatStops_FailsItsCallsAtOnce()
    {
        _agent.Answers = static async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            return AgentResponse.Allow;
        };
        var server = await StartAsync();
        await using var connection = await DialAsync(server.Address);
        var calls = Enumerable.Range(1, 20).Select(i => CallAsync(connection, TestEvents.Headers(i))).ToArray();
        await _agent.SeenAsync(20);
        await server.DisposeAsync();
        var results = await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(results.Select(result => result.IsAnswered && result.Response!.Decision is AllowDecision), Is.All.False);
        Assert.That(await connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Is.Not.Empty);
        Assert.That(connection.IsOpen, Is.False);
    }

    [Test]
    public void NobodyThere_IsNamed()
    {
        Assert.That(() => DialAsync($"grpc-unix:{_directory.Socket("none")}"), Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains("waf"));

        // Bound but not listening, so that no other process of the machine can take the port meanwhile.
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var address = $"http://{bound.LocalEndPoint}";
        Assert.That(() => DialAsync(address), Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains(address).And.Message.Contains("refused"));
    }

    [Test]
    public async Task WhatGrpcCannotCarry_BecomesTheErrorDecision()
    {
        _agent.Answers = static (message, _) => new(AgentResponse.Allow.WithRequestBody(new byte[] { 1 }, 0));
        await using var server = await StartAsync();
        await using var connection = await DialAsync(server.Address);
        var result = await CallAsync(connection, TestEvents.Chunk(1));
        Assert.That(ReasonCodes.IsFailure(result.Response!), Is.True);
    }

    // Who signs, for whom, with which of our certificates; and what the error says, or null if it works.
    [TestCase("good", "mine", null)]
    [TestCase("good", "none", "asks for a client certificate, and none is given")]
    [TestCase("good", "strangers", "does it accept the client certificate")]
    [TestCase("strangers", "mine", "who is none of those in")]
    [TestCase("expired", "mine", "expired on")]
    [TestCase("other-name", "mine", "is for elsewhere.example, not for localhost")]
    [TestCase("cleartext", "mine", "cannot be reached")]
    public async Task Defect13_Tls_IsSpokenAsConfiguredOrNotAtAll(string agent, string client, string? problem)
    {
        using var ours = new TestCertificates(_directory, "ours");
        using var strangers = new TestCertificates(_directory, "strangers");
        var identity = agent switch
        {
            "strangers" => strangers.Issue("localhost"),
            "expired" => ours.Issue("localhost", isExpired: true),
            "other-name" => ours.Issue("elsewhere.example"),
            _ => ours.Issue("localhost"),
        };
        var tls = new GrpcAgentTls { CertificatePath = identity.Certificate, KeyPath = identity.Key, ClientCaPath = ours.Authority };
        await using var server = await StartAsync(tls: agent == "cleartext" ? null : tls);
        var own = client switch { "mine" => ours.Issue("daemon"), "strangers" => strangers.Issue("daemon"), _ => default };
        var options = new TlsOptions { Authorities = ours.Authority, Certificate = own.Certificate, Key = own.Key };
        var endpoint = $"https://localhost:{new Uri(server.Address).Port}";
        if (problem is not null)
        {
            Assert.That(() => DialAsync(endpoint, options), Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains(problem));
            Assert.That(_agent.Seen, Is.Empty);
            return;
        }

        await using var connection = await DialAsync(endpoint, options);
        Assert.That((await CallAsync(connection, TestEvents.Headers(1))).IsAnswered, Is.True);
    }

    [Test]
    public async Task ReplacedCertificates_AreUsedByTheNextDial()
    {
        using var ours = new TestCertificates(_directory, "ours");
        using var strangers = new TestCertificates(_directory, "strangers");
        var identity = ours.Issue("localhost");
        await using var server = await StartAsync(tls: new GrpcAgentTls { CertificatePath = identity.Certificate, KeyPath = identity.Key });
        var trusted = _directory.File("trusted.pem");
        File.Copy(strangers.Authority, trusted);
        var dialer = Dialer($"https://localhost:{new Uri(server.Address).Port}", new TlsOptions { Authorities = trusted, ServerName = "localhost" });
        Assert.That(() => dialer.DialAsync(new RecordingSink(), CancellationToken.None), Throws.InstanceOf<AgentUnreachableException>());
        File.Copy(ours.Authority, trusted, overwrite: true);
        await using var connection = await dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        Assert.That((await CallAsync(connection, TestEvents.Headers(1))).IsAnswered, Is.True);
    }

    [Test]
    public void Addresses_AreSpread_AndThoseThatFailedComeLast()
    {
        var clock = new FakeTimeProvider();
        var spread = new AddressSpread(clock);
        EndPoint a = new IPEndPoint(1, 1), b = new IPEndPoint(2, 1);
        Assert.That(spread.Order([a, b, a]), Is.EqualTo(new[] { a, b }));
        spread.Enter(a);
        Assert.That(spread.Order([a, b]), Is.EqualTo(new[] { b, a }));
        spread.Enter(b);
        spread.Missed(b);
        Assert.That(spread.Order([a, b]), Is.EqualTo(new[] { a, b }), "b has failed");
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.That(spread.Order([a, b]), Is.EqualTo(new[] { b, a }), "long ago");
        spread.Leave(a);
        Assert.That(spread.Order([a, b]), Is.EqualTo(new[] { a, b }));
    }

    private async Task<GrpcAgentServer> StartAsync(EndPoint? endPoint = null, GrpcAgentTls? tls = null)
    {
        var server = new GrpcAgentServer(_agent, new GrpcAgentServerOptions
        {
            EndPoint = endPoint ?? new IPEndPoint(IPAddress.Loopback, 0),
            Tls = tls,
            DrainTimeout = TimeSpan.FromMilliseconds(10),
            Workers = AgentConnectionOptions.MostWorkers,
            Capabilities = ScriptedAgent.Capable(),
        });
        await server.StartAsync();
        return server;
    }

    private static GrpcDialer Dialer(string endpoint, TlsOptions? tls = null) =>
        new(Endpoints.Of(endpoint), new ConnectedAgent().Settings with { ConnectTimeout = ScriptedAgent.Limit }, tls, TimeProvider.System, new FakeLogger());

    private static Task<IAgentConnection> DialAsync(string endpoint, TlsOptions? tls = null) =>
        Dialer(endpoint, tls).DialAsync(new RecordingSink(), CancellationToken.None);

    private static Task<CallResult> CallAsync(IAgentConnection connection, AgentEvent message) =>
        connection.CallAsync(message, TimeProvider.System.GetTimestamp() + (60 * TimeProvider.System.TimestampFrequency)).AsTask();
}
