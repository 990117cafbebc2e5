using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Control;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Composition;

/// <summary>The texts of the configuration that counted last are kept, and a start whose own cannot be used has them.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LastGoodTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly FileText[] One = [new("/etc/sidecar/sidecar.yaml", "version: 1\n# ä\n"), new("/etc/sidecar/conf.d/a.yaml", "")];
    private static readonly FileText[] Two = [new("/etc/sidecar/sidecar.yaml", "version: 1\n")];

    private readonly TempDirectory _directory = new();
    private readonly FakeLoggers _logs = new();

    public LastGoodTests() => Directory.CreateDirectory(State);

    private string State => _directory.File("state");

    private string Kept => Path.Combine(State, LastGood.FileName);

    public void Dispose() => _directory.Dispose();

    [Test]
    public void WhatIsKept_IsReadAgain_ByItsOwnerOnly()
    {
        var last = New(State);
        last.Keep(One);
        Assert.That(LastGood.Read(State), Is.EqualTo(One));
        Assert.That(File.GetUnixFileMode(Kept), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        last.Keep(Two);
        Assert.That(LastGood.Read(State), Is.EqualTo(Two));
        Assert.That(Directory.GetFiles(State), Is.EqualTo(new[] { Kept }), "nothing is left beside");
    }

    [Test]
    public void TheSameAgain_IsNotWrittenAgain()
    {
        var last = New(State);
        last.Keep(One);
        File.Delete(Kept);
        last.Keep([.. One]);
        Assert.That(File.Exists(Kept), Is.False);
    }

    [Test]
    public void ADirectoryThatCannotBeUsed_IsSaidOnce_UntilItCanBe()
    {
        var directory = _directory.File("none");
        var last = New(directory);
        last.Keep(One);
        last.Keep(Two);
        Directory.CreateDirectory(directory);
        last.Keep(Two);
        Directory.Delete(directory, recursive: true);
        last.Keep(One);
        Assert.That(_logs.Of<LastGood>(), Has.Count.EqualTo(2));
        Assert.That(_logs.Of<LastGood>()[0].Message, Does.StartWith($"the configuration is not kept in {directory} for a start whose own cannot be used: "));
    }

    [Test]
    public void WhatIsTooLong_LeavesTheOneBefore()
    {
        New(State).Keep(One);
        New(State).Keep([new("/x", new string('x', LastGood.MostCharacters + 1))]);
        Assert.That(LastGood.Read(State), Is.EqualTo(One));
        Assert.That(_logs.Of<LastGood>().Single().Message, Does.Contain($"more than {LastGood.MostCharacters} characters"));
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("{\"version\":2,\"files\":[{\"path\":\"/x\",\"text\":\"\"}]}")]
    [TestCase("{\"version\":1,\"files\":[]}")]
    [TestCase("null")]
    public void WhatIsNoneOfOurs_IsNothing(string text)
    {
        File.WriteAllText(Kept, text);
        Assert.That(LastGood.Read(State), Is.Null);
    }

    [Test]
    public void WithoutADirectory_NothingIsKeptAndNothingSaid()
    {
        New(null).Keep(One);
        Assert.That((LastGood.Read(null), LastGood.Read(State), _logs.Of<LastGood>().Count), Is.EqualTo(((object?)null, (object?)null, 0)));
    }

    [TestCase("/var/lib/sidecar", "/var/lib/sidecar")]
    [TestCase("/var/lib/a:/var/lib/b", "/var/lib/a")]
    [TestCase("", null)]
    [TestCase("relative", null)]
    [TestCase(null, null)]
    public void TheDirectory_IsTheFirstThatTheServiceManagerGives(string? variable, string? expected) =>
        Assert.That(LastGood.DirectoryOf(variable), Is.EqualTo(expected));

    [Test]
    public void AStartWhoseFileCannotBeUsed_HasTheLastGoodOne_UnlessThatIsStrict()
    {
        var (own, snapshot) = (new MemorySource(), new ConfigurationSnapshot { MaxExchanges = 7 });
        own.Break("sidecar.yaml:1:1: what is this?", "sidecar.yaml:2:1: and this?");
        ConfigurationSnapshot Strict() => snapshot with { Values = snapshot.Values.With(DaemonSettings.Boot, BootMode.Strict) };

        (ConfigurationReading Reading, ConfigurationStart Start) Start(ConfigurationSnapshot? last)
        {
            own.Kept = () => Of(last);
            return Boot.Read(own, State);
        }

        var (none, _) = Start(snapshot);
        New(State).Keep(One);
        var (good, start) = Start(snapshot);
        var (refused, _) = Start(Strict());
        var (worse, _) = Start(null);
        own.Write(Strict());
        var (usual, plain) = Start(snapshot);

        Assert.That((good.Snapshot, start.Source, start.Texts), Is.EqualTo((snapshot, own, One)));
        Assert.That(start.LastGoodBecause, Is.EqualTo(new[] { "sidecar.yaml:1:1: what is this?", "sidecar.yaml:2:1: and this?" }));
        foreach (var reading in new[] { refused, none, worse })
        {
            Assert.That((reading.Snapshot, reading.Errors.Count), Is.EqualTo(((ConfigurationSnapshot?)null, 2)));
        }

        Assert.That((usual.Snapshot, plain.LastGoodBecause), Is.EqualTo((Strict(), (object?)null)));
    }

    [Test]
    public async Task ADaemonThatRunsOnTheLastGoodOne_SaysSoUntilAReloadSucceeds()
    {
        await using var rig = await PublisherRig.StartAsync();
        var start = new ConfigurationStart(rig.Source)
        {
            Fit = static written => new(written, null, null),
            LastGoodBecause = ["a.yaml:1:1: one", "a.yaml:2:1: two"],
            Texts = One,
            StateDirectory = State,
        };
        var reloads = new Reloader(
            start, rig.Daemon.Publisher, () => rig.Model, New(State), rig.Daemon.Metrics, TimeProvider.System, _logs.CreateLogger<Reloader>());
        reloads.Open();
        Assert.That(reloads.State.LastGoodBecause, Is.EqualTo("a.yaml:1:1: one (and 1 more)"));
        Assert.That((reloads.Figures.IsLastGood, reloads.Figures.IsCurrent), Is.EqualTo((true, false)));
        Assert.That(_logs.Of<Reloader>().Select(static line => line.Message), Is.EqualTo(new[] { "a.yaml:1:1: one", "a.yaml:2:1: two" }.Select(
            static problem => $"the configuration /memory/sidecar.yaml cannot be used; the last good one counts until it can be: {problem}")));
        await Eventually.TrueAsync(() => LastGood.Read(State) is { } kept && kept.SequenceEqual(One), Limit, "the texts of the start");

        rig.Source.Next = () => new ConfigurationReading(rig.Model.Configuration, [], []) { Texts = Two };
        await reloads.TryAsync().WaitAsync(Limit);
        Assert.That(reloads.Figures.IsLastGood, Is.True, "a try changes nothing");
        Assert.That((await reloads.ReloadAsync("SIGHUP").WaitAsync(Limit)).Outcome, Is.EqualTo(ReloadOutcome.Unchanged));
        Assert.That((reloads.Figures.IsLastGood, reloads.Figures.IsCurrent), Is.EqualTo((false, true)));
        await Eventually.TrueAsync(() => LastGood.Read(State) is { } kept && kept.SequenceEqual(Two), Limit, "the texts of the reload");
        rig.Source.Break("bad");
        await reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);
        Assert.That(LastGood.Read(State), Is.EqualTo(Two), "what is refused is not kept");
    }

    private static MemorySource Of(ConfigurationSnapshot? snapshot)
    {
        var source = new MemorySource();
        if (snapshot is null)
        {
            source.Break("worse");
        }
        else
        {
            source.Write(snapshot);
        }

        return source;
    }

    private LastGood New(string? directory) => new(directory, _logs.CreateLogger<LastGood>());
}
