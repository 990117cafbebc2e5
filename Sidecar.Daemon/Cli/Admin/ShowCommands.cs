using System.CommandLine;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary><c>sidecar status</c>: one screen about a running daemon, what needs attention first.</summary>
internal static class StatusCommand
{
    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("status", "Show a running daemon on one screen: warnings, listeners, agents, exchanges")
        {
            AdminFlags.Admin,
        };
        command.Shows(static _ => "/status", AdminJson.Default.StatusDocument, Write, output, errors);
        return command;
    }

    /// <summary>The screen.</summary>
    public static string Write(StatusDocument status)
    {
        var exchanges = status.Exchanges;
        return $"sidecar {Screen.Clean(status.Version)}, up {Screen.Duration(status.UptimeSeconds)}, process {Screen.Number(status.Pid)}\n"
            + $"configuration {Screen.Clean(status.Configuration.Place)}, model {Screen.Number(status.Configuration.Generation)}, read at "
            + $"{status.Configuration.LoadedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC{(status.Configuration.IsDraining ? ", draining" : "")}\n"
            + Screen.Warnings(status.Warnings)
            + "\n"
            + Screen.Table(
                [
                    ["LISTENER", "KIND", "PLACE"],
                    .. status.Listeners.Select(static listener => (object[])[listener.Name, listener.Kind, listener.Place]),
                ])
            + "\n"
            + AgentsCommand.Summary(status.Agents)
            + "\n"
            + Screen.Table(
            [
                ["EXCHANGES", "OPEN", "INSPECTED", "REFUSED", "ABANDONED", "PARTLY", "BYPASSED", "NOT-SUBJECT"],
                [
                    exchanges.Received, exchanges.Open, exchanges.Inspected, exchanges.Refused, exchanges.Abandoned, exchanges.Partly,
                    exchanges.Bypassed, exchanges.NotSubject,
                ],
            ])
            + $"\nheld bodies: {Screen.Bytes(status.HeldBodyBytes)} of {Screen.Bytes(status.HeldBodyLimit)}\n";
    }
}

/// <summary><c>sidecar agents</c>: the agents of a running daemon with their connections.</summary>
internal static class AgentsCommand
{
    private static readonly object[] SummaryHeading =
        [
            "AGENT", "STATE", "MODE", "CONNECTIONS", "IN-FLIGHT", "LIMIT", "WAITING", "SHED", "ANSWERED", "FAILED", "TIMED-OUT",
            "P50", "P90", "P99", "BREAKER",
        ];

    private static readonly object[] ConnectionHeading =
    [
        "CONNECTION", "STATE", "DIALECT", "ENCODING", "READER", "IN-FLIGHT", "OWED", "ANSWERED", "FAILED", "TIMED-OUT", "P50", "P99",
        "SPEAKS", "ENDPOINT",
    ];

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("agents", "Show the agents of a running daemon with their connections")
        {
            AdminFlags.Admin, PushCommand.Create(output, errors), RemoveCommand.Create(output, errors),
        };
        command.Shows(static _ => "/agents", AdminJson.Default.AgentsDocument, Write, output, errors);
        return command;
    }

    /// <summary>One line for each agent.</summary>
    public static string Summary(IReadOnlyList<AgentDocument> agents) =>
        agents.Count == 0 ? "no agents\n" : Screen.Table([SummaryHeading, .. agents.SelectMany(Lines)]);

    /// <summary>What is to be known of the agents, the agents, then the connections of each.</summary>
    public static string Write(AgentsDocument document) =>
        Screen.Warnings(document.Agents.SelectMany(static agent => agent.Warnings)) + Summary(document.Agents)
        + string.Concat(document.Agents.SelectMany(static agent => agent.Versions.Select(version => Connections(agent, version))));

    private static string Connections(AgentDocument agent, VersionDocument version) => version.Connections.Count == 0
        ? $"\n{Screen.Clean(agent.Id)}: no connection; it is looked for at {Screen.Clean(string.Join(", ", version.Endpoints))}\n"
        : $"\n{Screen.Clean(agent.Id)}: {Screen.Clean(version.Strategy)}, {Screen.Number(version.OpenExchanges)} open exchanges, held "
        + $"bodies {Screen.Bytes(agent.HeldBodyBytes)} of {Screen.Bytes(agent.HeldBodyLimit)}, {Screen.Number(version.Limit)} calls at "
        + $"once ({version.LimitReason})\n"
            + Screen.Table([ConnectionHeading, .. version.Connections.Select(Line)], indent: 2);

    private static IEnumerable<object[]> Lines(AgentDocument agent) => agent.Versions.Select(version => (object[])
    [
        agent.Id, agent.State, agent.Mode, version.Connections.Count, version.Connections.Sum(static connection => connection.InFlight),
        version.Limit, version.Waiting, version.Shed, version.Calls.Answered, version.Calls.Failed, version.Calls.TimedOut,
        Screen.Milliseconds(version.Latency.P50Ms, version.Latency.Count),
        Screen.Milliseconds(version.Latency.P90Ms, version.Latency.Count),
        Screen.Milliseconds(version.Latency.P99Ms, version.Latency.Count), version.Breaker,
    ]);

    private static object[] Line(ConnectionDocument connection) =>
    [
        connection.Id,
        connection.HeldExchanges == 0 ? connection.State : $"{connection.State}, holds {Screen.Number(connection.HeldExchanges)}",
        connection.Dialect, connection.Encoding, connection.Reader,
        $"{Screen.Number(connection.InFlight)}/{Screen.Number(connection.Limit)}",
        connection.Owed, connection.Calls.Answered, connection.Calls.Failed, connection.Calls.TimedOut,
        Screen.Milliseconds(connection.Latency.P50Ms, connection.Latency.Count),
        Screen.Milliseconds(connection.Latency.P99Ms, connection.Latency.Count),
        $"{connection.AgentName} {connection.AgentVersion}".Trim(), connection.Endpoint,
    ];
}

/// <summary>
/// <c>sidecar sessions</c>: what is under way in a running daemon, and the sessions of clients that keep to a connection of an agent.
/// </summary>
internal static class SessionsCommand
{
    private static readonly Argument<string> Agent = new("ID") { Description = "The agent" };

    private static readonly Argument<string?> Key = new("KEY")
    {
        Description = "The session, as 'list' shows it [all of the agent]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var list = new Command("list", "List the sticky sessions of an agent, the one used last first") { Agent };
        list.Shows(static result => PathOf(result.GetValue(Agent)!, null), AdminJson.Default.StickySessionsDocument, Write, output, errors);
        var clear = new Command("clear", "Forget sticky sessions: their next requests may go to any connection") { Agent, Key };
        clear.SetAction((result, cancellation) => AdminFlags.AskAsync(result, errors, async client =>
        {
            var cleared = await client.DeleteAsync(
                PathOf(result.GetValue(Agent)!, result.GetValue(Key)), AdminJson.Default.StickyClearedDocument, cancellation);
            await output.WriteLineAsync($"{Screen.Number(cleared.Cleared)} sessions of agent {Screen.Clean(cleared.Agent)} are forgotten");
        }));
        var command = new Command("sessions", "Show the exchanges and sticky sessions of a running daemon")
        {
            AdminFlags.Admin, list, clear,
        };
        command.Shows(static _ => "/sessions", AdminJson.Default.SessionsDocument, Write, output, errors);
        return command;
    }

    /// <summary>What is under way, by listener and route; the sticky sessions by agent.</summary>
    public static string Write(SessionsDocument document) => Screen.Table(
        [
            ["LISTENER", "ROUTE", "OPEN", "RECEIVED", "INSPECTED", "REFUSED", "ABANDONED", "PARTLY", "BYPASSED", "NOT-SUBJECT"],
            .. document.Exchanges.Select(static row => (object[])
            [
                row.Listener, row.Route, row.Exchanges.Open, row.Exchanges.Received, row.Exchanges.Inspected, row.Exchanges.Refused,
                row.Exchanges.Abandoned, row.Exchanges.Partly, row.Exchanges.Bypassed, row.Exchanges.NotSubject,
            ]),
        ])
        + "\n" + Sticky(document.Sticky);

    /// <summary>The sessions of one agent.</summary>
    public static string Write(StickySessionsDocument document) => Sticky([document.Agent]) + "\n"
        + Screen.Table(
            [["SESSION", "CONNECTION", "IDLE"],
            .. document.Sessions.Select(
                static session => (object[])[session.Key, session.Connection ?? "-", Screen.Duration(session.IdleSeconds)])])
        + (document.Sessions.Count < document.Agent.Live
            ? $"and {Screen.Number(document.Agent.Live - document.Sessions.Count)} that were used less lately\n"
            : "");

    private static string Sticky(IReadOnlyList<StickyAgentDocument> agents) => Screen.Table(
    [
        ["AGENT", "STICKY-SESSIONS", "LIMIT", "MOVED", "EXPIRED", "EVICTED", "CLEARED"],
        .. agents.Select(static agent => (object[])
            [agent.Agent, agent.Live, agent.Limit, agent.Moved, agent.Expired, agent.Evicted, agent.Cleared]),
    ]);

    private static string PathOf(string agent, string? key) =>
        "/sessions/" + Uri.EscapeDataString(agent) + (key is null ? "" : "/" + Uri.EscapeDataString(key));
}
