using System.CommandLine;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

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
        + $"bodies {Screen.Bytes(agent.HeldBodyBytes)} of {Screen.Bytes(agent.HeldBodyLimit)}, {Screen.Number(version.Limit)} calls at once ({version.LimitReason})\n"
            + Screen.Table([ConnectionHeading, .. version.Connections.Select(Line)], indent: 2);

    private static IEnumerable<object[]> Lines(AgentDocument agent) => agent.Versions.Select(version => (object[])
    [
        agent.Id, agent.State, agent.Mode, version.Connections.Count, version.Connections.Sum(static connection => connection.InFlight),
        version.Limit, version.Waiting, version.Shed,
        version.Calls.Answered, version.Calls.Failed, version.Calls.TimedOut,
        Screen.Milliseconds(version.Latency.P50Ms, version.Latency.Count),
        Screen.Milliseconds(version.Latency.P90Ms, version.Latency.Count),
        Screen.Milliseconds(version.Latency.P99Ms, version.Latency.Count),
        version.Breaker,
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
