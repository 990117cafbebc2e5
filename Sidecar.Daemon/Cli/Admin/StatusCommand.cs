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
                    exchanges.Bypassed,
                    exchanges.NotSubject,
                ],
            ])
            + $"\nheld bodies: {Screen.Bytes(status.HeldBodyBytes)} of {Screen.Bytes(status.HeldBodyLimit)}\n";
    }
}
