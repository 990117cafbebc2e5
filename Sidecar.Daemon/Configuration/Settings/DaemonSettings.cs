namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of the daemon as a whole.</summary>
internal static class DaemonSettings
{
    public static readonly SettingList List = new();

    public static readonly Setting<FailureOptions> OnFailure = List.Add(new Setting<FailureOptions>("failure-mode", Formats.OnFailure)
    {
        Group = SettingGroup.Agents,
        Scopes = SettingScopes.RunAndAgent | SettingScopes.Route,
        Default = FailureOptions.Closed,
        Merging = static (own, other) => own.Over(other),
        Help = "Whether what an agent cannot inspect is refused or passes, and why not",
        Why = "passing uninspected is the operator's decision; what passes is counted and marked. A route's goes before its agents', see "
            + "[failures](failures.md#by-cause-and-phase)",
    });

    public static readonly Setting<bool> WaitForAgents = List.AddSwitch(
        SettingGroup.Agents, "wait-for-agents", "Be ready only when every agent has a connection",
        "what the service manager is told (READY); an agent that is absent has a failure mode", file: "process.wait_for_agents");

    public static readonly Setting<bool> Takeover = List.AddSwitch(
        SettingGroup.Listeners, "takeover", "Replace a daemon that listens on the same sockets",
        "two daemons by mistake are worse than one that does not start", file: "");

    public static readonly Setting<string?> ReplyKey = List.Add(
        SettingGroup.Listeners, "reply-key", Formats.File(), null, "Key that signs the ids of block pages, for instances to share",
        "one file for several instances lets each answer the ids of the others, and after a restart", words: "beside the socket, PATH.key",
        file: "process.reply_key");

    public static readonly Setting<RouteOptions?> Unmatched = List.Add(
        SettingGroup.Routes, "unmatched", RouteFormats.Unmatched, null, "What becomes of requests that no --route takes",
        "nothing falls open by omission: 403, cause `no-route`. `pass` is counted as `not-subject` with that cause; `inspect:` shows "
        + "them to these agents. They are also those that no route takes in one of the ways in which servers may read their path",
        words: "refuse");

    public static readonly Setting<long> BodyMemory = List.Add(
        SettingGroup.Limits, "body-memory", Formats.Size(), 256 * 1024 * 1024, "Bytes of bodies held at once by the whole daemon",
        "256 of the largest bodies; beyond it `on-excess=` applies", file: "limits.body_memory");

    public static readonly Setting<int> MaxExchanges = List.Add(
        SettingGroup.Limits, "max-exchanges", Formats.Number(1, 10_000_000, "exchanges"), 50_000,
        "Exchanges open at once on a listener that joins phases", "what a busy proxy keeps open in half a minute of slow responses",
        file: "limits.exchanges");

    public static readonly Setting<TimeSpan> ExchangeExpiry = List.Add(
        SettingGroup.Limits, "exchange-expiry", Formats.Duration(), TimeSpan.FromSeconds(30),
        "When an exchange is forgotten whose end nobody announced",
        "from its last event, for front ends that join phases and whose proxy cannot say that it gave up", file: "limits.exchange_expiry");

    public static readonly Setting<TimeSpan> DrainTimeout = List.Add(
        SettingGroup.Process, "drain-timeout", Formats.Duration(), TimeSpan.FromSeconds(30),
        "How long what is under way may take at the stop", "the protocol's own default; systemd is asked for the time",
        file: "process.drain_timeout");

    public static readonly Setting<string?> MetricsPrefix = List.Add(
        SettingGroup.Process, "metrics-prefix", Formats.Text("NAME", MetricNameProblem), "sidecar", "First part of every metric's name",
        file: "process.metrics_prefix");

    public static readonly Setting<TimeSpan> ConfigWatch = List.Add(
        SettingGroup.Process, "config-watch", Formats.Duration(canBeNone: true), TimeSpan.MaxValue,
        "How often the configuration's files are looked at for changes to follow",
        "a reload is asked for, unless a checkout or a mounted ConfigMap is to be followed; a change counts when it has stayed as it is "
        + "for this time, so that no half of one is read", file: "process.config_watch");

    public static readonly Setting<BootMode> Boot = List.Add(
        SettingGroup.Process, "boot", Formats.Names<BootMode>(), BootMode.LastGood, "What a start does whose file cannot be used",
        "a machine that restarts at night should come back with the configuration that worked, and say so; `strict` does not start. Where "
        + "the file cannot be used, what the last good one says of this counts", file: "boot");

    public static readonly Setting<bool> Check = List.AddSwitch(
        SettingGroup.Process, "check", "Check flags and files as a start would, and exit", "makes and starts nothing", file: "");

    public static readonly Setting<bool> Verbose = List.AddSwitch(SettingGroup.Process, "verbose", "Log connections too",
        file: "process.verbose");

    private static string? MetricNameProblem(string text) =>
        text.Length is > 0 and <= 64 && !char.IsAsciiDigit(text[0])
            && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
            ? null
            : "may have 1 to 64 letters, digits and '_' and does not begin with a digit";
}

/// <summary>What a start does whose configuration cannot be used.</summary>
internal enum BootMode
{
    /// <summary>It uses the last one that counted.</summary>
    LastGood,

    /// <summary>It fails.</summary>
    Strict,
}
