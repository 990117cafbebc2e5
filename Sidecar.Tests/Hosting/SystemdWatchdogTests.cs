using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Hosting;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Hosting;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SystemdWatchdogTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly Socket _systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };

    public void Dispose()
    {
        _systemd.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Signs_ComeThreeTimesInTheLimit_AndEndWithTheStop()
    {
        using var watchdog = Watching(TimeSpan.FromSeconds(15));
        await watchdog.StartAsync(CancellationToken.None);
        Assert.That(Receive(), Is.EqualTo("WATCHDOG=1"), "the first at once");
        for (var sign = 1; sign <= 4; sign++)
        {
            var before = _clock.GetTimestamp();
            await _clock.StepUntilAsync(TimeSpan.FromMilliseconds(100), () => _systemd.Available > 0, $"sign {sign}");
            Assert.That(Receive(), Is.EqualTo("WATCHDOG=1"));
            Assert.That(_clock.GetElapsedTime(before), Is.GreaterThan(TimeSpan.FromSeconds(4)).And.LessThan(TimeSpan.FromSeconds(15)));
        }

        await watchdog.StopAsync(CancellationToken.None);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.That(_systemd.Available, Is.Zero);
        Assert.That(watchdog.ExecuteTask!.IsCompletedSuccessfully, Is.True, "nothing goes on");
    }

    [Test]
    public async Task NoLimit_NoSign()
    {
        using var watchdog = Watching(null);
        await watchdog.StartAsync(CancellationToken.None);
        await watchdog.ExecuteTask!;
        Assert.That(_systemd.Available, Is.Zero);
    }

    [TestCase("15000000", null, 15.0)]
    [TestCase("1", null, 0.000001)]
    [TestCase("15000000", "this", 15.0)]
    [TestCase("15000000", "1", null)]
    [TestCase(null, null, null)]
    [TestCase("", null, null)]
    [TestCase("0", null, null)]
    [TestCase("-5", null, null)]
    [TestCase("15s", null, null)]
    [TestCase("9223372036854775807", null, null)]
    public void Limit_IsThatOfThisProcess_OrNone(string? microseconds, string? process, double? seconds)
    {
        var given = process == "this" ? Environment.ProcessId.ToString(CultureInfo.InvariantCulture) : process;
        Assert.That(SystemdWatchdog.LimitOf(microseconds, given)?.TotalSeconds, Is.EqualTo(seconds));
    }

    private SystemdWatchdog Watching(TimeSpan? limit)
    {
        _systemd.Bind(new UnixDomainSocketEndPoint(_directory.Socket("notify")));
        return new SystemdWatchdog(new SystemdNotifier(_directory.Socket("notify"), _clock, new FakeLogger<SystemdNotifier>()), limit, _clock);
    }

    private string Receive()
    {
        var buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, _systemd.Receive(buffer));
    }
}
