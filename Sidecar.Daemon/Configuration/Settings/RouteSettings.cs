namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of one route.</summary>
internal static class RouteSettings
{
    public static readonly SettingList List = new();

    public static readonly Setting<IReadOnlyList<IReadOnlyList<RouteAgentOptions>>> Agents = List.Add(
        SettingGroup.Route, "agents", RouteFormats.Agents, [], "Whom it asks: + together, > one after the other; A:monitor sets a mode",
        "nothing falls open by omission: a route that asks nobody says `none`. Quote `>`, which shells take for a redirection",
        words: "must be said");

    public static readonly Setting<IReadOnlyList<string>?> Hosts = List.Add(
        SettingGroup.Route, "host", RouteFormats.Hosts, [], "Which hosts it takes", words: "any");

    public static readonly Setting<string?> Path = List.Add(
        SettingGroup.Route, "path", RouteFormats.Path, null, "Which paths it takes, however they are spelled",
        "see [paths](operations.md#paths)", words: "any");

    public static readonly Setting<bool> PathCase = List.Add(
        SettingGroup.Route, "path-case", Formats.Words(("sensitive", false), ("insensitive", true)), false,
        "Whether the case of letters in paths counts");

    public static readonly Setting<IReadOnlyList<string>?> Methods = List.Add(
        SettingGroup.Route, "method", Formats.List("GET+POST"), [], "Which methods it takes", words: "any");

    public static readonly Setting<Priority> Priority = List.Add(
        SettingGroup.Route, "priority", Formats.Names<Priority>(), Configuration.Priority.Normal,
        "Its part of an agent that is busy, beside other routes",
        "16, 4 and 1 parts; no route starves another, and in a route no client another");

    public static readonly Setting<bool> RefusesUnapplied = List.Add(
        SettingGroup.Route, "unapplied", Formats.Words(("refuse", true), ("ignore", false)), true,
        "Requests for which the proxy cannot do what an agent said",
        "the removal of a header, or a changed body, that does not happen is not what the agent allowed");

    public static readonly Setting<StickyOptions?> Sticky = List.Add(
        SettingGroup.Route, "sticky", RouteFormats.Sticky, null, "Keeps a client's session on one connection of each agent",
        "for WebSockets, event streams and long polling; see `sidecar sessions`", words: "none");
}
