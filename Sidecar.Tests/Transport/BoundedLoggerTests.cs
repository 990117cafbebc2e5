using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>No peer can fill the log, forge a line of it or control a terminal through it.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed partial class BoundedLoggerTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLoggers _record = new();

    public void Dispose() => _record.Dispose();

    [TestCase("plain Größe 😀", "plain Größe 😀")]
    [TestCase("a\u001b[2Jb", @"a\u001b[2Jb")]
    [TestCase("a\r\nforged\tline", @"a\u000d\u000aforged\u0009line")]
    [TestCase("\u009b31m\u0007\u007f\0", @"\u009b31m\u0007\u007f\u0000")]
    [TestCase("\u202eleft\u2066\u200f\ufeff", @"\u202eleft\u2066\u200f\ufeff")]
    [TestCase("a\u2028b\u2029", @"a\u2028b\u2029")]
    [TestCase("tag \U000e0041", @"tag \udb40\udc41")]
    [TestCase("", "")]
    [TestCase(null, "")]
    public void TextOfAPeer_IsShownAndNeverActs(string? text, string expected) => Assert.That(PeerText.Clean(text), Is.EqualTo(expected));

    [Test]
    public void HalfOfAPair_IsShown() => Assert.That(PeerText.Clean("half \ud83d of a pair\ude00"), Is.EqualTo(@"half \ud83d of a pair\ude00"));

    [Test]
    public void LongText_IsCutAtTheLimit_NotWithinAnEscape()
    {
        Assert.That(PeerText.Clean(new string('x', PeerText.MaxLength)), Has.Length.EqualTo(PeerText.MaxLength));
        Assert.That(PeerText.Clean(new string('x', 1_000_000)), Is.EqualTo(new string('x', PeerText.MaxLength) + "…"));
        Assert.That(PeerText.Clean("abc\u001b", 8), Is.EqualTo("abc…"));
        Assert.That(PeerText.Quote("it's '\u001b'"), Is.EqualTo(@"'it\u0027s \u0027\u001b\u0027'"));
    }

    [FsCheck.NUnit.Property]
    public bool CleanText_IsOneHarmlessLine_AndStaysAsItIs(string? text)
    {
        var clean = PeerText.Clean(text);
        return !clean.Any(char.IsControl) && PeerText.Clean(clean) == clean && clean.Length <= PeerText.MaxLength + 1;
    }

    [Test]
    public void LinesAboutOneThing_HaveAPace_AndSayHowManyWereLeftOut()
    {
        var logger = Ours();
        for (var i = 0; i < 1000; i++)
        {
            LogAgent(logger, "waf", "x");
            LogAgent(logger, "bot", "x");
            LogPeer(logger, $"each text is another one {i}");
        }

        Assert.That(Lines(1), Has.Count.EqualTo(2 * BoundedLogger.Lines), "each agent has its own pace");
        Assert.That(Lines(2), Has.Count.EqualTo(BoundedLogger.Lines), "what a peer writes is no key");
        _clock.Advance(TimeSpan.FromMinutes(1));
        LogAgent(logger, "waf", "again");
        LogAgent(logger, "waf", "again");
        Assert.That(Lines(1)[^2], Is.EqualTo($"agent waf: again ({1000 - BoundedLogger.Lines} more such lines were left out)"));
        Assert.That(Lines(1)[^1], Is.EqualTo("agent waf: again"));
    }

    [Test]
    public void LinesThatWereAskedFor_AndThosePacedElsewhere_AreNotHeldBack()
    {
        var logger = Ours(exempt: 1);
        for (var i = 0; i < 1000; i++)
        {
            LogAgent(logger, "waf", "x");
            LogDetail(logger, i);
        }

        Assert.That((Lines(1).Count, Lines(3).Count), Is.EqualTo((1000, 1000)));
    }

    [Test]
    public void LineOfAFramework_ComesOnceAMinute_WithoutItsStack()
    {
        using var provider = new BoundedLoggerProvider(_record, _clock);
        var logger = provider.CreateLogger("Microsoft.AspNetCore.Server.Kestrel");
        for (var i = 0; i < 2000; i++)
        {
            LogFailure(logger, Thrown("half a request\u001b[2J\n   at forged"));
        }

        var entry = _record.Collector.GetSnapshot().Single();
        Assert.That((entry.Message, entry.Exception), Is.EqualTo((@"failed: InvalidOperationException: half a request\u001b[2J\u000a   at forged", (Exception?)null)));
    }

    [Test]
    public void LineOfOurs_HasItsStackInOneLine_AndABound()
    {
        LogFailure(Ours(), Thrown("no\r\n\u001b" + new string('x', 100_000)));
        LogPeer(Ours(), new string('y', 100_000) + "\n");

        Assert.That(Lines(4).Single(), Does.StartWith(@"failed: System.InvalidOperationException: no \u001bxxx"));
        Assert.That(Lines(4).Single(), Has.Length.InRange(BoundedLogger.MaxException - 10, BoundedLogger.MaxException + 20));
        Assert.That(Lines(2).Single(), Has.Length.EqualTo(BoundedLogger.MaxLine + 1));
        LogFailure(Ours(), Thrown("plain"));
        Assert.That(Lines(4)[^1], Does.Contain("plain    at Sidecar.Tests").And.Contain(nameof(Thrown)).And.Not.Contain("\n"));
    }

    [Test]
    public void LoggerOfAnAgentsAuthor_KeepsWhatHeLogs()
    {
        var error = new IOException("gone");
        LogFailure(new BoundedLogger(_record.CreateLogger("Sdk"), _clock), error);
        LogAgent(new BoundedLogger(_record.CreateLogger("Sdk"), _clock), "waf\u001b", "x");

        Assert.That(_record.Collector.GetSnapshot()[0].Exception, Is.SameAs(error));
        Assert.That(
            (_record.Collector.GetSnapshot()[1].Message, _record.Collector.GetSnapshot()[1].GetStructuredStateValue("Agent")), Is.EqualTo((@"agent waf\u001b: x", (string?)"waf\u001b")));
    }

    private ILogger Ours(int exempt = 0) => new BoundedLoggerProvider(_record, _clock, exempt).CreateLogger("Sidecar.Daemon.X");

    private List<string> Lines(int id) => [.. _record.Collector.GetSnapshot().Where(entry => entry.Id.Id == id).Select(static entry => entry.Message)];

    private static InvalidOperationException Thrown(string message)
    {
        try
        {
            throw new InvalidOperationException(message);
        }
        catch (InvalidOperationException e)
        {
            return e;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "agent {Agent}: {Text}")]
    private static partial void LogAgent(ILogger logger, string agent, string text);

    [LoggerMessage(2, LogLevel.Information, "a peer said {Text}")]
    private static partial void LogPeer(ILogger logger, string text);

    [LoggerMessage(3, LogLevel.Debug, "detail {Number}")]
    private static partial void LogDetail(ILogger logger, int number);

    [LoggerMessage(4, LogLevel.Error, "failed")]
    private static partial void LogFailure(ILogger logger, Exception error);
}
