using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Hosting;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Hosting;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SystemdNotifierTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeLogger<SystemdNotifier> _log = new();
    private readonly Socket _systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };

    public void Dispose()
    {
        _systemd.Dispose();
        _directory.Dispose();
    }

    [Test]
    public void Messages_ByPath_ArriveOneDatagramEach()
    {
        var notifier = Listening(_directory.File("notify"), _directory.File("notify"));

        notifier.Ready();
        notifier.Ready("2 listeners");
        notifier.Status("draining 3 exchanges");
        notifier.ExtendTimeout(TimeSpan.FromSeconds(1.5));
        notifier.Stopping();

        Assert.That(
            new[] { Receive(), Receive(), Receive(), Receive(), Receive() },
            Is.EqualTo(new[]
            {
                "READY=1", "READY=1\nSTATUS=2 listeners", "STATUS=draining 3 exchanges", "EXTEND_TIMEOUT_USEC=1500000", "STOPPING=1",
            }));
    }

    [Test]
    public void Ready_AbstractName_Arrives()
    {
        var name = "sidecar-test-" + Guid.NewGuid().ToString("N");
        var notifier = Listening("\0" + name, "@" + name);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(notifier.Ready(), Is.True);
            Assert.That(Receive(), Is.EqualTo("READY=1"));
        }
    }

    [Test]
    public void Reloading_CarriesTheMonotonicTimeInMicroseconds()
    {
        var time = new FixedTime(timestamp: 7_000_021, frequency: 1_000_003);
        var notifier = Listening(_directory.File("notify"), _directory.File("notify"), time);

        notifier.Reloading();

        Assert.That(Receive(), Is.EqualTo("RELOADING=1\nMONOTONIC_USEC=7000000"));
    }

    [Test]
    public void Reloading_SystemTime_IsTheClockSystemdCompares()
    {
        var notifier = Listening(_directory.File("notify"), _directory.File("notify"));

        var before = MonotonicMicroseconds();
        notifier.Reloading();
        var after = MonotonicMicroseconds();

        Assert.That(long.Parse(Receive().Split('=')[^1]), Is.InRange(before, after));
    }

    [Test]
    public void Status_ControlCharactersAndLength_CannotInjectAssignments()
    {
        var notifier = Listening(_directory.File("notify"), _directory.File("notify"));

        notifier.Status("a\nMAINPID=1\r\0" + new string('x', 1000));

        var received = Receive();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(received, Does.StartWith("STATUS=a MAINPID=1  xxx"));
            Assert.That(received, Has.Length.EqualTo("STATUS=".Length + SystemdNotifier.MaxStatusLength));
        }
    }

    [TestCase(null)]
    [TestCase("")]
    public void AnyCall_NotUnderSystemd_DoesNothing(string? address)
    {
        var notifier = new SystemdNotifier(address, TimeProvider.System, _log);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(notifier.IsEnabled, Is.False);
            Assert.That(notifier.Ready() || notifier.Reloading() || notifier.Stopping() || notifier.Status("x"), Is.False);
            Assert.That(_log.Collector.GetSnapshot(), Is.Empty);
        }
    }

    [TestCase("/nonexistent/notify")]
    [TestCase("@sidecar-test-nobody")]
    [TestCase("vsock:2:1")]
    [TestCase("@")]
    public void Ready_NobodyHears_IsAWarningOnly(string address)
    {
        var notifier = new SystemdNotifier(address, TimeProvider.System, _log);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(notifier.Ready("up"), Is.False);
            Assert.That(_log.Collector.GetSnapshot(), Has.Count.EqualTo(1));
            Assert.That(_log.Collector.GetSnapshot()[0].Level, Is.EqualTo(LogLevel.Warning));
            Assert.That(_log.Collector.GetSnapshot()[0].Message, Does.Contain("READY=1 STATUS=up").And.Contain(address));
        }
    }

    [Test]
    public void Ready_AddressTooLong_IsAWarningOnly()
    {
        var notifier = new SystemdNotifier("/" + new string('x', 200), TimeProvider.System, _log);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(notifier.Ready(), Is.False);
            Assert.That(_log.Collector.GetSnapshot(), Has.Count.EqualTo(1));
        }
    }

    private SystemdNotifier Listening(string bound, string address, TimeProvider? time = null)
    {
        _systemd.Bind(new UnixDomainSocketEndPoint(bound));
        return new SystemdNotifier(address, time ?? TimeProvider.System, _log);
    }

    private string Receive()
    {
        var buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, _systemd.Receive(buffer));
    }

    private static long MonotonicMicroseconds()
    {
        const int clockMonotonic = 1;
        Assert.That(ClockGetTime(clockMonotonic, out var time), Is.Zero);
        return (time.Seconds * 1_000_000) + (time.Nanoseconds / 1_000);
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ClockGetTime(int clock, out ClockTime time);

    [StructLayout(LayoutKind.Sequential)]
    private struct ClockTime
    {
        public long Seconds;
        public long Nanoseconds;
    }

    private sealed class FixedTime(long timestamp, long frequency) : TimeProvider
    {
        public override long TimestampFrequency => frequency;

        public override long GetTimestamp() => timestamp;
    }
}
