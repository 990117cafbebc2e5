using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed partial class RecordingLoggerTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [Test]
    public void Entry_HoldsAllThatWasLogged()
    {
        var logger = new RecordingLogger<RecordingLoggerTests>();
        var error = new IOException("gone");
        Lost(logger, error, "waf", 3);

        var entry = logger.Entries.Single();
        Assert.That(entry.Category, Is.EqualTo(typeof(RecordingLoggerTests).FullName));
        Assert.That((entry.Level, entry.EventId.Id, entry.EventId.Name), Is.EqualTo((LogLevel.Warning, 7, "Lost")));
        Assert.That(entry.Message, Is.EqualTo("Lost waf after 3 calls"));
        Assert.That(entry.Exception, Is.SameAs(error));
        Assert.That((entry["Agent"], entry["Calls"], entry["Other"]), Is.EqualTo(((object?)"waf", (object?)3, (object?)null)));
    }

    [Test]
    public async Task Wait_FindsPastAndComingEntries()
    {
        var logger = new RecordingLogger();
        var coming = logger.WaitForAsync(entry => Equals(entry["Calls"], 2), Generous);
        Lost(logger, null, "a", 1);
        Assert.That(coming.IsCompleted, Is.False);
        Lost(logger, null, "b", 2);

        Assert.That((await coming)["Agent"], Is.EqualTo("b"));
        Assert.That((await logger.WaitForAsync(_ => true, Generous))["Agent"], Is.EqualTo("a"));
    }

    [Test]
    public void WaitInVain_ListsWhatWasLogged()
    {
        var logger = new RecordingLogger("cat");
        Lost(logger, null, "waf", 1);
        Assert.That(
            async () => await logger.WaitForAsync(_ => false, TimeSpan.FromMilliseconds(10)),
            Throws.InstanceOf<TimeoutException>().With.Message.Contains("Warning cat 7 Lost: Lost waf after 1 calls"));
    }

    [Test]
    public void Provider_RecordsAllCategoriesFromManyThreads()
    {
        using var provider = new RecordingLoggerProvider();
        using var factory = LoggerFactory.Create(builder => builder.AddProvider(provider));
        Parallel.For(0, 200, i => Lost(factory.CreateLogger(i % 2 == 0 ? "even" : "odd"), null, "a", i));

        Assert.That(provider.Entries.Count(entry => entry.Category == "even"), Is.EqualTo(100));
        Assert.That(provider.Entries.Select(entry => entry["Calls"]), Is.EquivalentTo(Enumerable.Range(0, 200)));
    }

    [LoggerMessage(7, LogLevel.Warning, "Lost {Agent} after {Calls} calls")]
    private static partial void Lost(ILogger logger, Exception? error, string agent, int calls);
}
