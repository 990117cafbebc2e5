using NUnit.Framework;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents.Config;

/// <summary>Requests of agents about their configuration: decided, kept, counted, logged within bounds (spec §6.4).</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ConfigUpdatesTests : IDisposable
{
    private static readonly (ConfigUpdate Update, string Type, string Detail, string? Error)[] Kinds =
    [
        (new RuleUpdate("core", [new RuleDefinition { Id = "1" }], ["2", "3"]), "rule_update", "rule set core: 1 rules, 2 to remove", "the daemon keeps no rules or lists"),
        (new ListUpdate("bad-ips", ["::1"], []), "list_update", "list bad-ips: 1 entries, 0 to remove", "the daemon keeps no rules or lists"),
        (new RestartRequired("new engine", 5000), "restart_required", "new engine (within 5000 ms)", null),
        (new ConfigError("no such rule", "rules[3]"), "config_error", "rules[3]: no such rule", null),
        (new ConfigError("broken", null), "config_error", "broken", null),
    ];

    private readonly PushRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Test]
    public async Task EveryKind_IsDecidedAndKept()
    {
        var connection = PushRig.Able("a");
        await _rig.AgentAsync("1", connection);
        foreach (var (update, _, _, _) in Kinds)
        {
            _rig.Reports.OnConfigUpdate(connection, new ConfigUpdateRequest { Update = update, RequestId = "r" });
        }

        Assert.That(
            _rig.Updates.List().Select(
                static entry => (entry.Agent, entry.Connection, entry.RequestId, entry.Type, entry.Detail, entry.IsAccepted, entry.Error, entry.IsReplied)),
            Is.EqualTo(Kinds.Select(static kind => ("waf", "a", "r", kind.Type, kind.Detail, kind.Error is null, kind.Error, false))));
        Assert.That(_rig.Sums.Of("agent.config.requests"), Is.EqualTo(new[]
        {
            "waf|config_error|true=2", "waf|list_update|false=1", "waf|restart_required|true=1", "waf|rule_update|false=1",
        }));
    }

    [Test]
    public async Task AReload_SendsTheConfigurationAgain_ButNotWithoutEnd()
    {
        var connection = PushRig.Able("a");
        await _rig.AgentAsync("{\"level\":3}", connection);
        Ask(connection, new RequestReload());
        await Eventually.TrueAsync(() => _rig.Pusher.Find("push-1")?.State == ConfigPushState.Acknowledged, ScriptedAgent.Limit, "the push");
        _rig.Clock.Advance(_rig.Settings.ReloadInterval - TimeSpan.FromMilliseconds(1));
        Ask(connection, new RequestReload());
        _rig.Clock.Advance(TimeSpan.FromMilliseconds(2));
        Ask(connection, new RequestReload());
        await Eventually.TrueAsync(() => _rig.Pusher.Find("push-2")?.State == ConfigPushState.Acknowledged, ScriptedAgent.Limit, "the second push");

        Assert.That(PushRig.Sent(connection), Is.EqualTo(new[] { "{\"level\":3}", "{\"level\":3}" }));
        Assert.That(_rig.Updates.List().Select(static entry => entry.Error), Is.EqualTo(new[] { null, "the last reload was less than 10 s ago", null }));
    }

    [Test]
    public async Task AReload_WithoutAConfiguration_IsRefused()
    {
        var connection = PushRig.Able("a");
        await _rig.AgentAsync(null, connection);
        Ask(connection, new RequestReload());
        Assert.That(_rig.Updates.List().Single().Error, Is.EqualTo("no configuration is set for the agent"));
    }

    [Test]
    public async Task Defect16_AnAgentThatNeverStops_FillsNeitherMemoryNorLog()
    {
        var connection = PushRig.Able("a");
        await _rig.AgentAsync("1", connection);
        for (var i = 0; i < 1000; i++)
        {
            Ask(connection, new ConfigError(new string('x', 100_000), $"{i}"));
        }

        Assert.That(_rig.Updates.List(), Has.Count.EqualTo(ConfigUpdates.Most));
        Assert.That(_rig.Updates.List()[^1].Detail, Does.StartWith("999: x").And.Length.EqualTo(500));
        Assert.That(_rig.Log.Collector.GetSnapshot().Count(static entry => entry.Id.Id == 1203), Is.EqualTo(1));
    }

    private void Ask(FakeConnection connection, ConfigUpdate update) =>
        _rig.Reports.OnConfigUpdate(connection, new ConfigUpdateRequest { Update = update });
}
