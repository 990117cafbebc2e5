namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of the daemon as a whole.</summary>
internal static class DaemonSettings
{
    /// <summary>The settings.</summary>
    public static readonly SettingList List = new();

    /// <summary>What happens where an agent cannot inspect; an agent's own goes before.</summary>
    public static readonly Setting<FailureMode> FailureMode = List.Add(new Setting<FailureMode>("failure-mode", Formats.FailureMode)
    {
        Default = Configuration.FailureMode.Closed,
        Group = SettingGroup.Agents,
        Scopes = SettingScopes.RunAndAgent,
        Help = "Whether what an agent cannot inspect is refused or passes",
        Why = "passing uninspected is the operator's decision; what passes is counted and marked",
    });

    /// <summary>Whether READY is told only when every agent has a connection.</summary>
    public static readonly Setting<bool> WaitForAgents = List.Add(new Setting<bool>("wait-for-agents", Formats.YesNo)
    {
        Default = false,
        IsSwitch = true,
        Group = SettingGroup.Agents,
        Help = "Be ready only when every agent has a connection",
        Why = "what the service manager is told (READY); an agent that is absent has a failure mode",
    });

    /// <summary>Whether a listener may take over a path where another process listens.</summary>
    public static readonly Setting<bool> Takeover = List.Add(new Setting<bool>("takeover", Formats.YesNo)
    {
        Default = false,
        IsSwitch = true,
        Group = SettingGroup.Listeners,
        Help = "Replace a daemon that listens on the same sockets",
        Why = "two daemons by mistake are worse than one that does not start",
    });

    /// <summary>The key that signs reply ids.</summary>
    public static readonly Setting<string?> ReplyKey = List.Add(new Setting<string?>("reply-key", Formats.Text("FILE"))
    {
        Default = null,
        DefaultWords = "beside the socket, PATH.key",
        Group = SettingGroup.Listeners,
        Help = "Key that signs the ids of block pages, for instances to share",
        Why = "one file for several instances lets each answer the ids of the others, and after a restart",
    });

    /// <summary>What takes the requests that no route takes; null refuses them.</summary>
    public static readonly Setting<RouteOptions?> Unmatched = List.Add(new Setting<RouteOptions?>("unmatched", RouteFormats.Unmatched)
    {
        Default = null,
        DefaultWords = "refuse",
        Group = SettingGroup.Routes,
        Help = "What becomes of requests that no --route takes",
        Why = "nothing falls open by omission: 403, cause `no-route`. `pass` is counted as `not-subject` with that cause; `inspect:` shows them to these agents. "
            + "They are also those that no route takes in one of the ways in which servers may read their path",
    });

    /// <summary>Bytes of bodies held at once by the whole daemon.</summary>
    public static readonly Setting<long> BodyMemory = List.Add(new Setting<long>("body-memory", Formats.Size())
    {
        Default = 256 * 1024 * 1024,
        Group = SettingGroup.Limits,
        Help = "Bytes of bodies held at once by the whole daemon",
        Why = "256 of the largest bodies; beyond it `on-excess=` applies",
    });

    /// <summary>Exchanges open at once.</summary>
    public static readonly Setting<int> MaxExchanges = List.Add(new Setting<int>("max-exchanges", Formats.Number(1, 10_000_000, "exchanges"))
    {
        Default = 50_000,
        Group = SettingGroup.Limits,
        Help = "Exchanges open at once on a listener that joins phases",
        Why = "what a busy proxy keeps open in half a minute of slow responses",
    });

    /// <summary>When an exchange whose end nobody announced is forgotten, after its last event.</summary>
    public static readonly Setting<TimeSpan> ExchangeExpiry = List.Add(new Setting<TimeSpan>("exchange-expiry", Formats.Duration())
    {
        Default = TimeSpan.FromSeconds(30),
        Group = SettingGroup.Limits,
        Help = "When an exchange is forgotten whose end nobody announced",
        Why = "from its last event, for front ends that join phases and whose proxy cannot say that it gave up",
    });

    /// <summary>How long work under way may take when the daemon stops.</summary>
    public static readonly Setting<TimeSpan> DrainTimeout = List.Add(new Setting<TimeSpan>("drain-timeout", Formats.Duration())
    {
        Default = TimeSpan.FromSeconds(30),
        Group = SettingGroup.Process,
        Help = "How long what is under way may take at the stop",
        Why = "the protocol's own default; systemd is asked for the time",
    });

    /// <summary>First part of every metric's name.</summary>
    public static readonly Setting<string?> MetricsPrefix = List.Add(new Setting<string?>("metrics-prefix", Formats.Text("NAME", MetricNameProblem))
    {
        Default = "sidecar",
        Group = SettingGroup.Process,
        Help = "First part of every metric's name",
    });

    /// <summary>Whether nothing is started and nothing made: only checked.</summary>
    public static readonly Setting<bool> Check = List.Add(new Setting<bool>("check", Formats.YesNo)
    {
        Default = false,
        IsSwitch = true,
        Group = SettingGroup.Process,
        Help = "Check flags and files as a start would, and exit",
        Why = "makes and starts nothing",
    });

    /// <summary>Whether the log has connections too.</summary>
    public static readonly Setting<bool> Verbose = List.Add(new Setting<bool>("verbose", Formats.YesNo)
    {
        Default = false,
        IsSwitch = true,
        Group = SettingGroup.Process,
        Help = "Log connections too",
    });

    private static string? MetricNameProblem(string text) =>
        text.Length is > 0 and <= 64 && !char.IsAsciiDigit(text[0]) && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
            ? null
            : "may have 1 to 64 letters, digits and '_' and does not begin with a digit";
}
