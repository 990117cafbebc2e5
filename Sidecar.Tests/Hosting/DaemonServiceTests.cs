using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Hosting;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Hosting;

/// <summary>The whole daemon stops in the time that the operator gave each part, and tells the service manager.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class DaemonServiceTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly MetricSums _sums = new();
    private readonly FakeLoggers _logs = new();
    private readonly Socket _systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };

    public void Dispose()
    {
        _systemd.Dispose();
        _sums.Dispose();
        _directory.Dispose();
    }

    [TestCase(null, 5)]
    [TestCase(20, 20)]
    [TestCase(2, 2)]
    public async Task CallUnderWay_HasTheDrainTimeOfItsAgent_AndThenIsCancelled(int? own, int expected)
    {
        await using var listener = new ScriptedAgentListener(_directory.Socket("waf.sock")) { OnAccepted = static agent => agent.AcceptAsync() };
        listener.Start();
        var pool = new PoolOptions { Connections = 1, DrainTimeout = own is { } seconds ? TimeSpan.FromSeconds(seconds) : null };
        var options = new ConfigurationSnapshot { Agents = [new AgentOptions { Id = "waf", Endpoints = [new AgentEndpoint.Unix(listener.Path)], Pool = pool }] };
        using var daemon = new DaemonBuilder { Configuration = options, Meters = _sums.Factory, Loggers = _logs, Time = _clock }.Build();
        _systemd.Bind(new UnixDomainSocketEndPoint(_directory.Socket("notify")));
        var notifier = new SystemdNotifier(_directory.Socket("notify"), _clock, new FakeLogger<SystemdNotifier>(_logs.Collector));
        using var service = new DaemonService(daemon, notifier, _logs);
        await service.StartAsync(CancellationToken.None);
        var connections = daemon.Publisher.Agents[0].Current.Pool;
        await Eventually.TrueAsync(() => connections.Live.Count == 1, ScriptedAgent.Limit, "a connection");
        var call = connections.Live[0].Connection.CallAsync(TestEvents.Headers(1), long.MaxValue).AsTask();
        await (await listener.NextAsync()).ReceiveEventAsync();

        var stopping = service.StopAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => connections.IsClosing, ScriptedAgent.Limit, "the turn of the agents");
        var began = _clock.GetTimestamp();
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(20), () => call.IsCompleted, "the end of the call");
        Assert.That(_clock.GetElapsedTime(began), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(expected)));
        Assert.That(
            _logs.Collector.GetSnapshot().Single(static entry => entry.Id.Id == 1106).GetStructuredStateValue("Limit"),
            Is.EqualTo(TimeSpan.FromSeconds(expected).ToString()), "no longer either");
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.ShutDown));
        await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(20), () => stopping.IsCompleted, "the end");
        Assert.That(Told().Skip(1), Is.EqualTo(new[] { "STOPPING=1\nSTATUS=draining", $"EXTEND_TIMEOUT_USEC={(30 + 5 + expected + 1 + 3 + 1) * 1_000_000}" }));
    }

    [Test]
    public void Times_CoverTheAgentThatTakesLongest_AndFitTheUnitByDefault()
    {
        static AgentOptions Agent(string id, int? seconds) =>
            new()
            {
                Id = id,
                Endpoints = [new AgentEndpoint.Unix("/x")],
                Pool = new PoolOptions { DrainTimeout = seconds is { } given ? TimeSpan.FromSeconds(given) : null }
            };
        var times = new ShutdownTimes(new ConfigurationSnapshot { Agents = [Agent("a", 60), Agent("b", 2), Agent("c", null)] });
        Assert.That((times.DrainOf("a").TotalSeconds, times.DrainOf("b").TotalSeconds, times.DrainOf("c").TotalSeconds), Is.EqualTo((60, 2, 5)));
        Assert.That(times.Agents, Is.GreaterThan(TimeSpan.FromSeconds(60)));
        Assert.That(
            times.Total,
            Is.EqualTo(times.Listeners + ShutdownTimes.AfterListeners + times.Agents + (3 * ShutdownSequence.AbortLimit) + TimeSpan.FromSeconds(1)));

        var usual = new ShutdownTimes(new ConfigurationSnapshot { Agents = [Agent("c", null)] });
        var unit = File.ReadAllText(Path.Combine(Repository, "systemd", "sidecar.service"));
        Assert.That(unit, Does.Contain($"\n# By the defaults the drain takes up to {usual.Total.TotalSeconds:0} s: {usual.Listeners.TotalSeconds:0} s for requests"));
        Assert.That(unit, Does.Contain($"\nTimeoutStopSec={usual.OfUnit.TotalSeconds:0}\n"));
        Assert.That(usual.OfUnit, Is.GreaterThan(usual.Total));
    }

    private static string Repository
    {
        get
        {
            var directory = new DirectoryInfo(TestContext.CurrentContext.TestDirectory);
            while (!File.Exists(Path.Combine(directory!.FullName, "sidecar.sln")))
            {
                directory = directory.Parent;
            }

            return directory.FullName;
        }
    }

    private List<string> Told()
    {
        var told = new List<string>();
        var buffer = new byte[1024];
        while (_systemd.Available > 0)
        {
            told.Add(Encoding.UTF8.GetString(buffer, 0, _systemd.Receive(buffer)));
        }

        return told;
    }
}
