using System.CommandLine;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

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
                PathOf(result.GetValue(Agent)!, result.GetValue(Key)), AdminJson.Default.StickyClearedDocument,
                cancellation).ConfigureAwait(false);
            await output.WriteLineAsync(
                $"{Screen.Number(cleared.Cleared)} sessions of agent {Screen.Clean(cleared.Agent)} are forgotten").ConfigureAwait(false);
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
