using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Hosting;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Composition;

/// <summary>A configuration that is read again counts whole, or everything stays and it is said why.</summary>
public sealed class ReloaderTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Test]
    public async Task WhatIsReadAgain_CountsWhole_AndSaysWhatHasChanged()
    {
        await using var rig = await PublisherRig.StartAsync();
        var connections = rig.Model.Agents[0].Connections.ToList();
        await rig.AgentAtAsync("two");
        rig.Source.Write(
            Written(rig) with { Agents = [rig.Agent("waf", "one"), rig.Agent("bot", "two")], Listeners = [rig.Listener("native"), rig.Listener("new")] },
            "sidecar.yaml:3:1: nobody asks bot");

        var result = await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);

        Assert.That((result.Outcome, result.Generation, result.Cause), Is.EqualTo((ReloadOutcome.Applied, 2L, "SIGHUP")));
        Assert.That(result.Difference!.ToString(), Is.EqualTo("agents added bot; listeners added native:new"));
        Assert.That((result.Errors, result.Warnings), Is.EqualTo((Array.Empty<string>(), new[] { "sidecar.yaml:3:1: nobody asks bot" })));
        Assert.That((rig.Model.Generation, rig.Model.Agents.Count, rig.Daemon.Listeners.Count), Is.EqualTo((2L, 2, 2)));
        Assert.That(rig.Model.Agents[0].Connections, Is.EqualTo(connections), "an agent that stays as it is keeps its connections");
        Assert.That(rig.Daemon.Reloads.State, Is.EqualTo(new ReloadState("/memory/sidecar.yaml", result.At, result)));
        Assert.That(rig.Sums.Sum("reloads", ("outcome", "applied")), Is.EqualTo(1));
        Assert.That(Lines(rig), Is.EqualTo(new[]
        {
            "Warning reload (SIGHUP): sidecar.yaml:3:1: nobody asks bot",
            "Information reload (SIGHUP): model 2 counts; agents added bot; listeners added native:new",
        }));
    }

    [Test]
    public async Task TheSameWrittenAnew_PublishesNothing()
    {
        await using var rig = await PublisherRig.StartAsync();
        var model = rig.Model;
        rig.Source.Write(Written(rig));
        var result = await rig.Daemon.Reloads.ReloadAsync("admin").WaitAsync(Limit);
        Assert.That((result.Outcome, result.Generation, result.Difference!.IsEmpty), Is.EqualTo((ReloadOutcome.Unchanged, 1L, true)));
        Assert.That(rig.Model, Is.SameAs(model));
        Assert.That(rig.Sums.Sum("reloads", ("outcome", "unchanged")), Is.EqualTo(1));
        Assert.That(Lines(rig), Is.EqualTo(new[] { "Information reload (admin): nothing has changed, model 1 stays" }));
    }

    [Test]
    public async Task AFileThatCannotBeUsed_ChangesNothing_AndEveryErrorIsSaid()
    {
        await using var rig = await PublisherRig.StartAsync();
        var model = rig.Model;
        var loaded = rig.Daemon.Reloads.State.LoadedAt;
        rig.Source.Break([.. Enumerable.Range(1, 25).Select(static n => $"sidecar.yaml:{n}:1: what is this?")]);

        var result = await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);

        Assert.That((result.Outcome, result.Generation, result.Errors.Count), Is.EqualTo((ReloadOutcome.Refused, 1L, 25)));
        Assert.That(rig.Model, Is.SameAs(model));
        var (state, figures) = (rig.Daemon.Reloads.State, rig.Daemon.Reloads.Figures);
        Assert.That((state.LoadedAt, state.Last, figures.IsCurrent), Is.EqualTo((loaded, result, false)));
        Assert.That(rig.Sums.Sum("reloads", ("outcome", "refused")), Is.EqualTo(1));
        Assert.That(Lines(rig), Has.Length.EqualTo(21));
        Assert.That(Lines(rig)[0], Is.EqualTo("Error reload (SIGHUP) is refused and model 1 stays: sidecar.yaml:1:1: what is this?"));
        Assert.That(Lines(rig)[20], Is.EqualTo("Warning reload (SIGHUP): 5 more lines; 'sidecar reload --dry-run' shows all"));

        rig.Source.Write(Written(rig));
        await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);
        Assert.That(rig.Daemon.Reloads.Figures.IsCurrent, Is.True, "a good file ends the complaint");
    }

    [Test]
    public async Task WhatOnlyAStartCanChange_RefusesTheReloadWhole()
    {
        await using var rig = await PublisherRig.StartAsync();
        var next = Written(rig);
        rig.Source.Write(next with
        {
            Agents = [.. next.Agents, rig.Agent("bot", "two")],
            Values = next.Values.With(DaemonSettings.MetricsPrefix, "other").With(DaemonSettings.Verbose, true),
        });
        var result = await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);
        Assert.That((result.Outcome, rig.Model.Generation, rig.Model.Agents.Count), Is.EqualTo((ReloadOutcome.Refused, 1L, 1)));
        Assert.That(result.Errors, Is.EqualTo(new[]
        {
            "the prefix of metrics cannot change from sidecar to other while the daemon runs; start it again for that",
            "verbose cannot change from no to yes while the daemon runs; start it again for that",
        }));
    }

    [Test]
    public async Task AStorm_EndsWithTheNewestFileInForce_AfterOneMoreReload()
    {
        await using var rig = await PublisherRig.StartAsync();
        using var gate = new ManualResetEventSlim();
        var old = Written(rig);
        rig.Source.Next = () =>
        {
            gate.Wait(Limit);
            return new ConfigurationReading(old, [], []);
        };
        var first = rig.Daemon.Reloads.ReloadAsync("SIGHUP");
        await Eventually.TrueAsync(() => rig.Source.Reads == 1, Limit, "the first reading");
        rig.Source.Write(old with { DrainTimeout = TimeSpan.FromSeconds(7) });
        var storm = Enumerable.Range(0, 1000).Select(_ => rig.Daemon.Reloads.ReloadAsync("SIGHUP")).ToList();
        gate.Set();

        Assert.That((await first.WaitAsync(Limit)).Outcome, Is.EqualTo(ReloadOutcome.Unchanged));
        Assert.That((await Task.WhenAll(storm).WaitAsync(Limit)).Distinct().Single().Outcome, Is.EqualTo(ReloadOutcome.Applied));
        Assert.That((rig.Source.Reads, rig.Model.Configuration.DrainTimeout.TotalSeconds), Is.EqualTo((2, 7)));
    }

    [Test]
    public async Task AFileSystemThatHangs_IsGivenUp_AndNoSecondThreadIsGivenToIt()
    {
        await using var rig = await PublisherRig.StartAsync();
        using var gate = new ManualResetEventSlim();
        var clock = new FakeTimeProvider();
        rig.Source.Next = () =>
        {
            gate.Wait(Limit);
            return new ConfigurationReading(Written(rig), [], []);
        };
        var reloads = Apart(rig, clock);
        var hanging = reloads.ReloadAsync("SIGHUP");
        await Eventually.TrueAsync(() => rig.Source.Reads == 1, Limit, "the reading");
        await clock.StepUntilAsync(TimeSpan.FromSeconds(1), () => hanging.IsCompleted, "the end of patience");
        var again = await reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);

        Assert.That((await hanging).Errors.Single(), Does.StartWith("/memory/sidecar.yaml was not read within 30 s; "));
        Assert.That(again.Errors.Single(), Does.StartWith("/memory/sidecar.yaml is still being read by an attempt before; "));
        Assert.That(rig.Source.Reads, Is.EqualTo(1));
        gate.Set();
        await Eventually.TrueAsync(
            async () => (await reloads.ReloadAsync("SIGHUP")).Outcome == ReloadOutcome.Unchanged, Limit, "a file system that is back");
    }

    [Test]
    public async Task ADefect_RefusesTheReload_AndTheNextIsDone()
    {
        await using var rig = await PublisherRig.StartAsync();
        rig.Source.Next = static () => throw new InvalidOperationException("as tests say");
        Assert.That((await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit)).Errors, Is.EqualTo(new[] { "the reload failed: as tests say" }));
        rig.Source.Write(Written(rig));
        Assert.That((await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit)).Outcome, Is.EqualTo(ReloadOutcome.Unchanged));
    }

    [Test]
    public async Task BeforeTheDaemonIsUp_NothingIsRead()
    {
        await using var rig = await PublisherRig.StartAsync();
        rig.Source.Write(Written(rig));
        var reloads = New(rig, TimeProvider.System, StartOf(rig.Source));
        var early = reloads.ReloadAsync("SIGHUP");
        Assert.That((early.IsCompleted, rig.Source.Reads), Is.EqualTo((false, 0)));
        reloads.Open();
        Assert.That((await early.WaitAsync(Limit)).Outcome, Is.EqualTo(ReloadOutcome.Unchanged));
    }

    [Test]
    public async Task WithoutAFile_ItIsSaid_AndNothingIsWrongWithTheConfiguration()
    {
        await using var rig = await PublisherRig.StartAsync();
        foreach (var start in new[] { ConfigurationStart.Flags, StartOf(new MemorySource { Files = [] }) })
        {
            var reloads = Apart(rig, TimeProvider.System, start);
            var result = await reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);
            Assert.That((result.Outcome, result.Errors.Single()), Is.EqualTo((ReloadOutcome.Refused, Reloader.NoFile)));
            Assert.That((reloads.State.Last, reloads.Figures.IsCurrent), Is.EqualTo(((ReloadResult?)null, true)));
        }

        Assert.That(rig.Sums.Sum("reloads"), Is.Zero);
    }

    [Test]
    public async Task ATry_SaysWhatWouldBe_AndChangesNothing()
    {
        await using var rig = await PublisherRig.StartAsync();
        var model = rig.Model;
        var next = Written(rig);
        rig.Source.Write(next with { Listeners = [.. next.Listeners, rig.Listener("new")] });
        var good = await rig.Daemon.Reloads.TryAsync().WaitAsync(Limit);
        rig.Source.Write(next with
        {
            Listeners = [.. next.Listeners, rig.Listener("no/directory")],
            Values = next.Values.With(DaemonSettings.MetricsPrefix, "other"),
        });
        var bad = await rig.Daemon.Reloads.TryAsync().WaitAsync(Limit);

        Assert.That((good.Outcome, good.Difference!.ToString()), Is.EqualTo((ReloadOutcome.Applied, "listeners added native:new")));
        Assert.That((bad.Outcome, bad.Errors.Count), Is.EqualTo((ReloadOutcome.Refused, 2)));
        Assert.That(bad.Errors[1], Does.Contain("there is no directory"));
        Assert.That((rig.Model, rig.Daemon.Reloads.State.Last, File.Exists(rig.PathOf("new"))), Is.EqualTo((model, (ReloadResult?)null, false)));
        Assert.That((Lines(rig), rig.Sums.Sum("reloads")), Is.EqualTo((Array.Empty<string>(), 0L)));
    }

    [Test]
    public async Task BoundsAreSettledAsAtTheStart_AndWhatCannotFitIsRefused()
    {
        await using var rig = await PublisherRig.StartAsync();
        rig.Source.Write(Written(rig));
        var tight = Apart(rig, TimeProvider.System, StartOf(rig.Source) with { Fit = static written => new(written, null, "too many descriptors") });
        var lowered = Apart(rig, TimeProvider.System, StartOf(rig.Source) with
        {
            Fit = static written => new(written with { Listeners = [written.Listeners[0] with { MaxConnections = 5 }] }, "lowered to 5", null),
        });
        Assert.That((await tight.ReloadAsync("SIGHUP").WaitAsync(Limit)).Errors, Is.EqualTo(new[] { "too many descriptors" }));
        var result = await lowered.ReloadAsync("SIGHUP").WaitAsync(Limit);
        Assert.That((result.Outcome, result.Warnings), Is.EqualTo((ReloadOutcome.Applied, new[] { "lowered to 5" })));
        Assert.That(rig.Model.Configuration.Listeners[0].MaxConnections, Is.EqualTo(5));
    }

    [Test]
    public async Task TheServiceManager_IsToldOfEachReload_FromTheAnnouncementToTheStop()
    {
        await using var rig = await PublisherRig.StartAsync();
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        systemd.Bind(new UnixDomainSocketEndPoint(rig.PathOf("notify")));
        var notifier = new SystemdNotifier(rig.PathOf("notify"), TimeProvider.System, rig.Logs.CreateLogger<SystemdNotifier>());
        rig.Source.Break("bad");
        await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);
        rig.Daemon.Reloads.Tell(notifier);
        await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);
        rig.Daemon.Reloads.Tell(null);
        await rig.Daemon.Reloads.ReloadAsync("SIGHUP").WaitAsync(Limit);

        var (buffer, told) = (new byte[1024], new List<string>());
        while (systemd.Available > 0)
        {
            told.Add(Encoding.UTF8.GetString(buffer, 0, systemd.Receive(buffer)));
        }

        Assert.That(told, Has.Count.EqualTo(2));
        Assert.That(told[0], Does.Match("^RELOADING=1\nMONOTONIC_USEC=[0-9]+$"));
        Assert.That(told[1], Is.EqualTo("READY=1\nSTATUS=1 listeners, 1 agents, model 1"));
    }

    // As a file that says the same is read: equal, and not the same objects.
    private static ConfigurationSnapshot Written(PublisherRig rig) => new()
    {
        Agents = [rig.Agent("waf", "one")],
        Routes = [new RouteOptions { Id = "all", Stages = [[new RouteAgentOptions("waf", null)]] }],
        Listeners = [rig.Listener("native")],
        DrainTimeout = TimeSpan.FromSeconds(30),
    };

    private static ConfigurationStart StartOf(MemorySource source) => new(source) { Fit = static written => new(written, null, null) };

    private static Reloader Apart(PublisherRig rig, TimeProvider time, ConfigurationStart? start = null)
    {
        var reloads = New(rig, time, start ?? StartOf(rig.Source));
        reloads.Open();
        return reloads;
    }

    private static Reloader New(PublisherRig rig, TimeProvider time, ConfigurationStart start) =>
        new(
            start, rig.Daemon.Publisher, () => rig.Model, new LastGood(null, rig.Logs.CreateLogger<LastGood>()), rig.Daemon.Metrics, time,
            rig.Logs.CreateLogger<Reloader>());

    private static string[] Lines(PublisherRig rig) => [.. rig.Logs.Of<Reloader>().Select(static line => $"{line.Level} {line.Message}")];
}
