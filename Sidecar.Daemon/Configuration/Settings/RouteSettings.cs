namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of one route.</summary>
internal static class RouteSettings
{
    /// <summary>The settings.</summary>
    public static readonly SettingList List = new();

    /// <summary>Who is asked.</summary>
    public static readonly Setting<IReadOnlyList<IReadOnlyList<RouteAgentOptions>>> Agents = List.Add(
        new Setting<IReadOnlyList<IReadOnlyList<RouteAgentOptions>>>("agents", RouteFormats.Agents)
        {
            Default = [],
            DefaultWords = "must be said",
            Group = SettingGroup.Route,
            Help = "Whom it asks: + together, > one after the other; A:monitor sets a mode",
            Why = "nothing falls open by omission: a route that asks nobody says `none`. Quote `>`, which shells take for a redirection",
        });

    /// <summary>Hosts; empty takes any.</summary>
    public static readonly Setting<IReadOnlyList<string>?> Hosts = List.Add(new Setting<IReadOnlyList<string>?>("host", RouteFormats.Hosts)
    {
        Default = [],
        DefaultWords = "any",
        Group = SettingGroup.Route,
        Help = "Which hosts it takes",
    });

    /// <summary>Path prefix; null takes any.</summary>
    public static readonly Setting<string?> Path = List.Add(new Setting<string?>("path", RouteFormats.Path)
    {
        Default = null,
        DefaultWords = "any",
        Group = SettingGroup.Route,
        Help = "Which paths it takes, however they are spelled",
        Why = "see [paths](operations.md#paths)",
    });

    /// <summary>Whether the case of letters in the path makes no difference.</summary>
    public static readonly Setting<bool> PathCase = List.Add(new Setting<bool>("path-case", Formats.Words(("sensitive", false), ("insensitive", true)))
    {
        Default = false,
        Group = SettingGroup.Route,
        Help = "Whether the case of letters in paths counts",
    });

    /// <summary>Methods; empty takes any.</summary>
    public static readonly Setting<IReadOnlyList<string>?> Methods = List.Add(new Setting<IReadOnlyList<string>?>("method", Formats.List("GET+POST"))
    {
        Default = [],
        DefaultWords = "any",
        Group = SettingGroup.Route,
        Help = "Which methods it takes",
    });

    /// <summary>Whether a request is refused when the proxy cannot carry an operation that matters.</summary>
    public static readonly Setting<bool> RefusesUnapplied = List.Add(new Setting<bool>("unapplied", Formats.Words(("refuse", true), ("ignore", false)))
    {
        Default = true,
        Group = SettingGroup.Route,
        Help = "Requests for which the proxy cannot do what an agent said",
        Why = "the removal of a header, or a changed body, that does not happen is not what the agent allowed",
    });

    /// <summary>What keeps the exchanges of one client's session on one connection of each agent; null for nothing.</summary>
    public static readonly Setting<StickyOptions?> Sticky = List.Add(new Setting<StickyOptions?>("sticky", RouteFormats.Sticky)
    {
        Default = null,
        DefaultWords = "none",
        Group = SettingGroup.Route,
        Help = "Keeps a client's session on one connection of each agent",
        Why = "for WebSockets, event streams and long polling; see `sidecar sessions`",
    });
}
