using NUnit.Framework;
using Sidecar.Daemon.Cli.Admin;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Tests.Cli;

public sealed class ScreenTests
{
    [Test]
    public void Table_AlignsItsColumns() =>
        Assert.That(Screen.Table([["A", "LONGER"], ["longest", "x"]], indent: 2), Is.EqualTo("  A        LONGER\n  longest  x\n"));

    [Test]
    public void LongCells_AreCut() => Assert.That(Screen.Table([["A", "B"], [new string('x', 1000), "y"]]).Split('\n')[1], Has.Length.EqualTo(63));

    [TestCase("\u001b[31mred", @"\u001b[31mred")]
    [TestCase("a\r\nb\0", @"a\u000d\u000ab\u0000")]
    [TestCase("\u009b2J", @"\u009b2J")]
    [TestCase("right\u202eleft", @"right\u202eleft")]
    [TestCase("Größe 1", "Größe 1")]
    public void WhatWouldMoveTheCursor_IsShownInstead(string text, string expected) => Assert.That(Screen.Clean(text), Is.EqualTo(expected));

    [TestCase(0, "0s")]
    [TestCase(59.94, "59.9s")]
    [TestCase(61, "1m 1s")]
    [TestCase(3_720, "1h 2m")]
    [TestCase(90_000, "1d 1h")]
    [TestCase(-1, "0s")]
    public void Durations_HaveTwoUnits(double seconds, string expected) => Assert.That(Screen.Duration(seconds), Is.EqualTo(expected));

    [TestCase(0, "0 B")]
    [TestCase(1023, "1023 B")]
    [TestCase(1024, "1.0 KiB")]
    [TestCase(268_435_456, "256.0 MiB")]
    [TestCase(3_221_225_472, "3.0 GiB")]
    public void Bytes_HaveAUnit(long bytes, string expected) => Assert.That(Screen.Bytes(bytes), Is.EqualTo(expected));

    [TestCase(0, 0, "-")]
    [TestCase(0.4161, 1, "0.42ms")]
    [TestCase(12.34, 1, "12.3ms")]
    [TestCase(134.4, 1, "134ms")]
    public void Milliseconds_HaveThreeDigits(double value, long count, string expected) => Assert.That(Screen.Milliseconds(value, count), Is.EqualTo(expected));

    [Test]
    public void Status_BeginsWithWhatNeedsAttention()
    {
        var status = new StatusDocument
        {
            Daemon = "sidecar",
            Version = "1.2",
            Pid = 7,
            StartedAt = DateTimeOffset.UnixEpoch,
            UptimeSeconds = 3_720,
            Warnings = ["agent waf says that its configuration is wrong: \u001b[2J"],
            Configuration = new ConfigurationDocument("/etc/sidecar/sidecar.yaml", 3, DateTimeOffset.UnixEpoch, true, true, null),
            Listeners = [new ListenerDocument("http:http.sock", "http", "/run/sidecar/http.sock")],
            Agents = [],
            Exchanges = new ExchangesDocument(10, 1, 2, 3, 0, 0, 4, 0),
            HeldBodyBytes = 2048,
            HeldBodyLimit = 1 << 20,
        };
        Assert.That(StatusCommand.Write(status), Is.EqualTo("""
            sidecar 1.2, up 1h 2m, process 7
            configuration /etc/sidecar/sidecar.yaml, model 3, read at 1970-01-01 00:00:00 UTC, draining
            ! agent waf says that its configuration is wrong: \u001b[2J

            LISTENER        KIND  PLACE
            http:http.sock  http  /run/sidecar/http.sock

            no agents

            EXCHANGES  OPEN  INSPECTED  REFUSED  ABANDONED  PARTLY  BYPASSED  NOT-SUBJECT
            10         1     2          3        0          0       4         0

            held bodies: 2.0 KiB of 1.0 MiB

            """));
    }
}
