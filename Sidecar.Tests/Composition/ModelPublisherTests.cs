using System.Text.Json;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Composition;

/// <summary>Changes of a running daemon: refused whole with every reason, or true whole.</summary>
public sealed class ModelPublisherTests
{
    [Test]
    public async Task AnAgentThatMoves_KeepsTheExchangesItHas_AndNewOnesGoToItsNewPlace()
    {
        await using var rig = await PublisherRig.StartAsync();
        var two = await rig.AgentAtAsync("two");
        var (old, _) = await rig.AskAsync();
        var before = rig.Model.Agents[0];

        Assert.That(await rig.UpdateAsync(now => now with { Agents = [now.Agents[0] with { Endpoints = rig.At("two") }] }), Is.Empty);
        Assert.That(await rig.WholeAsync(), Is.EqualTo("2"));
        Assert.That((rig.Model.Generation, old.Generation, rig.Model.Agents[0]), Is.EqualTo((2L, 1L, before)), "the agent lives on");
        Assert.That(before.Versions.Select(static version => (version.Name, version.IsRetiring)), Is.EqualTo(new[] { ("1", true), ("2", false) }));
        Assert.That(two.Seen.OfType<RequestHeadersEvent>().Count(), Is.EqualTo(1));

        rig.Daemon.Inspector.End(old);
        await rig.DrainedAsync();
        Assert.That(before.Versions.Select(static version => version.Name), Is.EqualTo(new[] { "2" }));
    }

    [Test]
    public async Task APlaceWhereNobodyListens_IsRefused_AndTheAgentStaysWhereItWorks()
    {
        await using var rig = await PublisherRig.StartAsync();
        var connections = rig.Model.Agents[0].Connections.ToList();
        var problems = await rig.UpdateAsync(now => now with
        {
            Agents = [now.Agents[0] with { Endpoints = rig.At("nowhere"), Pool = now.Agents[0].Pool.With(CallSettings.ConnectTimeout, TimeSpan.FromMilliseconds(50)) }],
        });
        Assert.That(problems, Has.Count.EqualTo(1));
        Assert.That(problems[0], Does.StartWith($"agent waf cannot be reached at {rig.PathOf("nowhere")} within 0.05 s, but works where it is now; start it there first"));
        Assert.That((rig.Model.Generation, await rig.WholeAsync()), Is.EqualTo((1L, "1")));
        Assert.That(rig.Model.Agents[0].Connections, Is.EqualTo(connections));
    }

    [Test]
    public async Task BadChanges_AreRefusedWithEveryReason()
    {
        await using var rig = await PublisherRig.StartAsync();
        var problems = await rig.UpdateAsync(now => now with
        {
            Routes = [new RouteOptions { Id = "all", Stages = [[new RouteAgentOptions("nobody", null)]] }],
            Values = now.Values.With(DaemonSettings.MetricsPrefix, "other").With(DaemonSettings.ReplyKey, "/key"),
        });
        Assert.That(problems, Has.Count.EqualTo(3));
        Assert.That(problems[0], Does.Contain("names agent nobody"));
        Assert.That(problems[1], Is.EqualTo("the prefix of metrics cannot change from sidecar to other while the daemon runs; start it again for that"));
        Assert.That(rig.Logs.Collector.GetSnapshot().Count(static entry => entry.Message.StartsWith("a change is refused and model 1 stays", StringComparison.Ordinal)), Is.EqualTo(3));
        Assert.That(await rig.WholeAsync(), Is.EqualTo("1"));
    }

    [Test]
    public async Task AListenerThatCannotListen_RefusesTheWholeChange()
    {
        await using var rig = await PublisherRig.StartAsync();
        await File.WriteAllTextAsync(rig.PathOf("taken"), "a file");
        var problems = await rig.UpdateAsync(now => now with
        {
            Agents = [.. now.Agents, rig.Agent("bot", "one")],
            Listeners = [now.Listeners[0] with { Budget = TimeSpan.FromSeconds(50) }, rig.Listener("new"), rig.Listener("taken")],
        });
        Assert.That(problems, Is.EqualTo(new[] { $"{rig.PathOf("taken")} exists and is not a socket; it is left alone; remove it or choose another path" }));
        Assert.That((rig.Model.Generation, rig.Model.Agents.Count, File.Exists(rig.PathOf("new"))), Is.EqualTo((1L, 1, false)));
        await using var client = await NativeClient.ConnectAsync(rig.PathOf("native"));
        Assert.That((await client.AskAsync(Events.Request("x"))).Decision, Is.InstanceOf<AllowDecision>(), "the listener whose change is taken back serves");
        await client.AskAsync(Events.Complete("x"));
        await rig.DrainedAsync();
        var left = Directory.GetFiles(Path.GetDirectoryName(rig.PathOf("native"))!).Select(Path.GetFileName);
        Assert.That(left, Is.EquivalentTo(new[] { "native", "native.link", "one", "taken" }), "no other name of a socket is left");
    }

    [Test]
    public async Task Listeners_Come_AreReplacedAtTheirPlace_AndGo()
    {
        await using var rig = await PublisherRig.StartAsync();
        await using var first = await NativeClient.ConnectAsync(rig.PathOf("native"));
        await first.AskAsync(Events.Request("old"));

        var problems = await rig.UpdateAsync(
            now => now with { Listeners = [now.Listeners[0] with { Budget = TimeSpan.FromSeconds(50) }, rig.Listener("new")] });
        Assert.That(problems, Is.Empty);
        await using var second = await NativeClient.ConnectAsync(rig.PathOf("native"));
        await using var third = await NativeClient.ConnectAsync(rig.PathOf("new"));
        foreach (var (client, id) in new[] { (second, "b"), (third, "c") })
        {
            Assert.That((await client.AskAsync(Events.Request(id))).Decision, Is.InstanceOf<AllowDecision>());
            await client.AskAsync(Events.Complete(id));
        }

        Assert.That((await first.AskAsync(Events.Response("old"))).Decision, Is.InstanceOf<AllowDecision>(), "whoever was there before is served to the end");
        await first.AskAsync(Events.Complete("old"));
        Assert.That(await rig.UpdateAsync(now => now with { Listeners = [now.Listeners[0]] }), Is.Empty);
        await rig.DrainedAsync();
        Assert.That((File.Exists(rig.PathOf("native")), File.Exists(rig.PathOf("new")), rig.Daemon.Listeners.Count), Is.EqualTo((true, false, 1)));
    }

    [Test]
    public async Task AListenerThatIsReplacedTwice_AnswersAboutWhatBeganWithTheFirst()
    {
        await using var rig = await PublisherRig.StartAsync();
        await using var first = await NativeClient.ConnectAsync(rig.PathOf("native"));
        await first.AskAsync(Events.Request("old"));
        foreach (var seconds in new[] { 50, 40 })
        {
            Assert.That(await rig.UpdateAsync(now => now with { Listeners = [now.Listeners[0] with { Budget = TimeSpan.FromSeconds(seconds) }] }), Is.Empty);
        }

        await using var last = await NativeClient.ConnectAsync(rig.PathOf("native"));
        Assert.That((await last.AskAsync(Events.Response("old"))).Decision, Is.InstanceOf<AllowDecision>());
        await last.AskAsync(Events.Complete("old"));
        await rig.DrainedAsync();
        Assert.That(rig.Sums.Of("exchanges"), Is.EqualTo(new[] { "native:native|all|inspected|none=1" }));
    }

    [Test]
    public async Task AClosedPublisher_ChangesNothing_AndLetsNobodyWait()
    {
        await using var rig = await PublisherRig.StartAsync();
        var slow = rig.UpdateAsync(now => now with { Agents = [now.Agents[0], rig.Agent("absent", "nowhere")] });
        await rig.Daemon.Publisher.CloseAsync();
        Assert.That(await slow, Is.EqualTo(new[] { "the daemon stops" }));
        Assert.That(await rig.UpdateAsync(static now => now with { MaxExchanges = 7 }), Is.EqualTo(new[] { "the daemon stops" }));
        Assert.That((await rig.Daemon.Publisher.RemoveAsync("waf", CancellationToken.None), rig.Model.Generation), Is.EqualTo((false, 1L)));
    }

    [Test]
    public async Task VersionsThatSayNothing_AreRefused()
    {
        await using var rig = await PublisherRig.StartAsync();
        VersionOptions[] versions = [new("a b", rig.At("one"), 0), new("green", rig.At("one"), 0), new("green", rig.At("one"), 0)];
        Assert.That(await rig.UpdateAsync(now => now with { Agents = [now.Agents[0] with { Versions = versions }] }), Is.EqualTo(new[]
        {
            "agent waf: version id 'a b' may have 1 to 64 letters, digits, '-', '_' and '.'",
            "agent waf: version green is given 2 times",
            "agent waf: every version has weight 0, so none would be asked; give one of them more",
        }));
    }

    [Test]
    public async Task AnAgentThatIsRemovedAndComesBack_CanBeRemovedAgain()
    {
        await using var rig = await PublisherRig.StartAsync();
        for (var round = 0; round < 2; round++)
        {
            Assert.That(await rig.UpdateAsync(now => now with { Agents = [now.Agents[0], rig.Agent("bot", "one")] }), Is.Empty);
            var bot = rig.Model.Agents[1];
            rig.Daemon.Removals.Start(bot);
            await Eventually.TrueAsync(() => rig.Daemon.Publisher.Agents.Count == 1, TimeSpan.FromSeconds(30), "its end");
            await rig.DrainedAsync();
            Assert.That(bot.Versions, Is.Empty);
        }
    }

    [Test]
    public async Task Weights_AreExact_AndAClientKeepsItsVersion()
    {
        await using var rig = await PublisherRig.StartAsync();
        await rig.AgentAtAsync("two");
        VersionOptions[] versions = [new("blue", rig.At("one"), 90), new("green", rig.At("two"), 10)];
        Assert.That(await rig.UpdateAsync(now => now with { Agents = [now.Agents[0] with { Versions = versions }] }), Is.Empty);
        var shares = new Dictionary<string, int>();
        for (var i = 0; i < 1000; i++)
        {
            var version = await rig.WholeAsync();
            shares[version] = shares.GetValueOrDefault(version) + 1;
        }

        Assert.That(shares, Is.EquivalentTo(new Dictionary<string, int> { ["blue"] = 900, ["green"] = 100 }));

        await rig.UpdateAsync(now => now with { Routes = [now.Routes[0] with { Sticky = StickyOptions.Parse("header:x-session") }] });
        var of = new Dictionary<string, string>();
        for (var i = 0; i < 400; i++)
        {
            var session = $"client{i % 100}";
            var version = await rig.WholeAsync(session);
            Assert.That(of.GetValueOrDefault(session, version), Is.EqualTo(version));
            of[session] = version;
        }

        Assert.That(of.Values.Distinct(), Is.EquivalentTo(new[] { "blue", "green" }));
    }

    [Test]
    public async Task LimitsOfAll_CountFromTheNextExchangeOn()
    {
        await using var rig = await PublisherRig.StartAsync();
        await using var client = await NativeClient.ConnectAsync(rig.PathOf("native"));
        Assert.That(await rig.UpdateAsync(static now => now with { MaxExchanges = 1, BodyMemory = 1000 }), Is.Empty);
        Assert.That((await OpenAsync(), rig.Daemon.Inspector.BodyMemory.Limit), Is.EqualTo((1L, 1000L)), "each makes way for the next");
        await rig.UpdateAsync(static now => now with { MaxExchanges = 10 });
        Assert.That(await OpenAsync(), Is.EqualTo(4));

        async Task<long> OpenAsync()
        {
            foreach (var id in new[] { "one", "two", "three" })
            {
                await client.AskAsync(Events.Request($"{id}{rig.Model.Generation}"));
            }

            return rig.Sums.Sum("exchanges.open");
        }
    }

    [Test]
    public async Task LimitsOfAnAgent_CountOnTheConnectionsItHas()
    {
        await using var rig = await PublisherRig.StartAsync();
        var connections = rig.Model.Agents[0].Connections.ToList();
        var pool = rig.Model.Configuration.Agents[0].Pool.With(CallSettings.CallsPerConnection, 7).With(CallSettings.ConnectTimeout, TimeSpan.FromSeconds(9));
        Assert.That(await rig.UpdateAsync(now => now with { Agents = [now.Agents[0] with { Pool = pool }] }), Is.Empty);
        Assert.That(rig.Model.Agents[0].Connections, Is.EqualTo(connections));
        Assert.That(connections[0].Connection.Traits.MaxInFlight, Is.EqualTo(7));
        await rig.UpdateAsync(now => now with { Agents = [now.Agents[0] with { Pool = pool.With(CallSettings.CallsPerConnection, 5000) }] });
        Assert.That(connections[0].Connection.Traits.MaxInFlight, Is.EqualTo(100), "never above what the agent states");
    }

    [Test]
    public async Task AChangedConfigurationOfAnAgent_IsPushed_WithoutANewConnection()
    {
        await using var rig = await PublisherRig.StartAsync();
        var connections = rig.Model.Agents[0].Connections.ToList();
        var level = JsonSerializer.Deserialize<JsonElement>("""{"level":2}""");
        Assert.That(await rig.UpdateAsync(now => now with { Agents = [now.Agents[0] with { Configuration = level }] }), Is.Empty);
        await Eventually.TrueAsync(
            () => rig.Model.Agents[0].Configuration.Current.Value?.ToString() == """{"level":2}""", TimeSpan.FromSeconds(30), "the agent's consent");
        Assert.That(rig.Model.Agents[0].Connections, Is.EqualTo(connections));
    }

    [Test]
    public async Task TheFileOfAnAgentsConfiguration_IsTheOneNamedNow()
    {
        await using var rig = await PublisherRig.StartAsync();
        var values = rig.Model.Configuration.Agents[0].Values.With(AgentSettings.ConfigurationFile, rig.PathOf("waf.json"));
        await rig.UpdateAsync(now => now with { Agents = [now.Agents[0] with { Values = values }] });
        Assert.That(rig.Model.Agents[0].Configuration.File, Is.EqualTo(rig.PathOf("waf.json")));
    }

    [Test]
    public async Task AReplacementThatCannotStart_LeavesTheListenerAndItsFileAsTheyWere()
    {
        await using var rig = await PublisherRig.StartAsync();
        var values = rig.Model.Configuration.Listeners[0].Values.With(ListenerSettings.Group, "nobody-has-this-group");
        var problems = await rig.UpdateAsync(now => now with { Listeners = [now.Listeners[0] with { Values = values }] });
        Assert.That(problems.Single(), Does.Contain("nobody-has-this-group"));
        await rig.DrainedAsync();
        var left = Directory.GetFiles(Path.GetDirectoryName(rig.PathOf("native"))!).Select(Path.GetFileName);
        Assert.That(left, Is.EquivalentTo(new[] { "native", "native.link", "one" }));
        await using var client = await NativeClient.ConnectAsync(rig.PathOf("native"));
        Assert.That((await client.AskAsync(Events.Request("x"))).Decision, Is.InstanceOf<AllowDecision>());
    }
}
