using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

public sealed class UnixSocketDialerTests
{
    private FakeTimeProvider _clock = null!;
    private TempDirectory _directory = null!;
    private ScriptedAgentListener _listener = null!;

    [SetUp]
    public void Listen()
    {
        _clock = new FakeTimeProvider();
        _directory = new TempDirectory();
        _listener = new ScriptedAgentListener(_directory.Socket("waf.sock"));
        _listener.Start();
    }

    [TearDown]
    public async Task CleanUpAsync()
    {
        await _listener.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Connections_HaveNamesOfTheirOwn()
    {
        var dialer = Dialer();
        _listener.OnAccepted = agent => agent.AcceptAsync();
        await using var first = await dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        await using var second = await dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        Assert.That(first.Id, Does.StartWith("waf-").And.Not.EqualTo(second.Id));
    }

    [Test]
    public async Task NobodyListens_IsNamed()
    {
        await _listener.StopAsync();
        var dialer = Dialer();
        Assert.That(
            async () => await dialer.DialAsync(new RecordingSink(), CancellationToken.None),
            Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains("waf").And.Message.Contains(_listener.Path));
    }

    [Test]
    public void PathTooLong_IsUnreachableAndLeavesNoSocket()
    {
        var dialer = Dialer(path: "/" + new string('x', 200));
        Assert.That(async () => await dialer.DialAsync(new RecordingSink(), CancellationToken.None), Throws.InstanceOf<AgentUnreachableException>());
    }

    [Test]
    public async Task FullListenQueue_FailsAtOnceWithAName()
    {
        await _listener.StopAsync();
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        File.Delete(_listener.Path);
        server.Bind(new UnixDomainSocketEndPoint(_listener.Path));
        server.Listen(0);
        using var waiting = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await waiting.ConnectAsync(new UnixDomainSocketEndPoint(_listener.Path));
        var dialer = Dialer();
        Assert.That(
            async () => await dialer.DialAsync(new RecordingSink(), CancellationToken.None).WaitAsync(ScriptedAgent.Limit, TimeProvider.System),
            Throws.InstanceOf<AgentUnreachableException>());
    }

    [Test]
    public async Task SilentHandshake_EndsAtTheConnectTimeoutAndClosesTheSocket()
    {
        var dialer = Dialer();
        var dialling = dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        var agent = await _listener.NextAsync();
        await agent.ReceiveHandshakeAsync();
        await Eventually.TrueAsync(() => _clock.ArmedTimers > 0, ScriptedAgent.Limit, "the wait for the answer");
        _clock.AdvanceTicks(TimeSpan.FromSeconds(5).Ticks - 1);
        Assert.That(_clock.ArmedTimers, Is.EqualTo(1), "it still waits");
        _clock.AdvanceTicks(1);
        Assert.That(
            async () => await dialling.WaitAsync(ScriptedAgent.Limit, TimeProvider.System),
            Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains("00:00:05"));
        await agent.Closed;
        await Eventually.TrueAsync(() => _clock.ActiveTimers == 0, ScriptedAgent.Limit, "the timers to be gone");
    }

    [Test]
    public async Task Cancelled_EndsAtOnceAndClosesTheSocket([Values] bool whileConfiguring)
    {
        var dialer = Dialer(configuration: "{}");
        using var stop = new CancellationTokenSource();
        var dialling = dialer.DialAsync(new RecordingSink(), stop.Token);
        var agent = await _listener.NextAsync();
        if (whileConfiguring)
        {
            await agent.AcceptAsync();
            await agent.ReceiveEventAsync<ConfigureEvent>();
        }

        await stop.CancelAsync();
        Assert.That(
            async () => await dialling.WaitAsync(ScriptedAgent.Limit, TimeProvider.System, CancellationToken.None),
            Throws.InstanceOf<OperationCanceledException>());
        await agent.Closed;
    }

    [Test]
    public async Task Defect14_Configuration_IsPushedFirst_AndAccepted()
    {
        var dialer = Dialer(configuration: """{"paranoia":3}""");
        var dialling = dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        var agent = await _listener.NextAsync();
        var request = await agent.AcceptAsync();
        Assert.That(request.Config!.Value.GetProperty("paranoia").GetInt32(), Is.EqualTo(3));
        var configure = await agent.ReceiveEventAsync<ConfigureEvent>();
        Assert.That(configure.Config!.Value.GetProperty("paranoia").GetInt32(), Is.EqualTo(3));
        Assert.That(dialling.IsCompleted, Is.False);
        await agent.AnswerAsync(configure);
        await using var connection = await dialling.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That((connection.IsOpen, connection.Stats.InFlight), Is.EqualTo((true, 0)));
    }

    [Test]
    public async Task Configuration_ReplacedMeanwhile_TheNewOneIsPushedWithItsVersion()
    {
        var settings = new ConnectedAgent().Settings with { Configured = new AgentConfiguration(JsonDocument.Parse("1").RootElement) };
        var next = new ConfigurationValue(JsonDocument.Parse("2").RootElement, "7f-push-1");
        settings.Configured.Replace(next);
        var dialer = new UnixSocketDialer(_listener.Path, settings, _clock, new FakeLogger());
        var dialling = dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        var agent = await _listener.NextAsync();
        Assert.That((await agent.AcceptAsync()).Config.ToString(), Is.EqualTo("2"));
        var configure = await agent.ReceiveEventAsync<ConfigureEvent>();
        Assert.That((configure.Config.ToString(), configure.ConfigVersion), Is.EqualTo(("2", "7f-push-1")));
        await agent.AnswerAsync(configure);
        await using var connection = await dialling.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(settings.Configured.WasGiven(connection, next), Is.True);
    }

    [Test]
    public async Task Configuration_Refused_TheConnectionIsNotUsed()
    {
        var dialer = Dialer(configuration: "{}");
        var dialling = dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        var agent = await _listener.NextReadyAsync();
        await agent.AnswerAsync(await agent.ReceiveEventAsync(), new AgentResponse { Decision = new BlockDecision(400, "no such rule set") });
        Assert.That(
            async () => await dialling.WaitAsync(ScriptedAgent.Limit, TimeProvider.System),
            Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains("no such rule set"));
        await agent.Closed;
    }

    [Test]
    public async Task AgentThatDoesNotRead_ItsSocketIsClosedAllTheSame()
    {
        var dialer = Dialer();
        _listener.OnAccepted = agent => agent.AcceptAsync();
        var connection = await dialer.DialAsync(new RecordingSink(), CancellationToken.None);
        var agent = await _listener.NextAsync();
        var stalled = agent.StopReading();
        for (var i = 1; i <= 4; i++)
        {
            _ = connection.CallAsync(TestEvents.Chunk(i, size: 900_000), long.MaxValue).AsTask();
        }

        await stalled;
        var disposing = connection.DisposeAsync().AsTask();
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(100), () => disposing.IsCompleted, "the end, which waits for the agent no longer than it must");
        Assert.That(connection.IsOpen, Is.False);
        agent.GoOnReading();
        await agent.Closed;
    }

    private UnixSocketDialer Dialer(string? path = null, string? configuration = null)
    {
        var settings = new ConnectedAgent().Settings with
        {
            Configuration = configuration is null ? null : JsonDocument.Parse(configuration).RootElement,
        };
        return new UnixSocketDialer(path ?? _listener.Path, settings, _clock, new FakeLogger());
    }
}
