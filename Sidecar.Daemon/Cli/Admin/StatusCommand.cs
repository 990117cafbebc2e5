using System.CommandLine;
using System.Text.Json;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary><c>sidecar status</c>: one screen about a running daemon, what needs attention first.</summary>
internal static class StatusCommand
{
    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("status", "Show a running daemon on one screen: warnings, listeners, agents, exchanges") { AdminFlags.Admin, AdminFlags.Json };
        command.SetAction((result, cancellation) => AdminFlags.AskAsync(result, errors, async client =>
        {
            var status = await client.GetAsync("/status", AdminJson.Default.StatusDocument, cancellation).ConfigureAwait(false);
            await output.WriteAsync(
                result.GetValue(AdminFlags.Json)
                    ? JsonSerializer.Serialize(status, AdminJson.Default.StatusDocument) + "\n"
                    : Write(status)).ConfigureAwait(false);
        }));
        return command;
    }

    /// <summary>The screen.</summary>
    public static string Write(StatusDocument status)
    {
        var exchanges = status.Exchanges;
        return $"sidecar {Screen.Clean(status.Version)}, up {Screen.Duration(status.UptimeSeconds)}, process {Screen.Number(status.Pid)}\n"
            + Screen.Warnings(status.Warnings)
            + "\n"
            + Screen.Table([["LISTENER", "KIND", "PLACE"], .. status.Listeners.Select(static listener => (string[])[listener.Name, listener.Kind, listener.Place])])
            + "\n"
            + AgentsCommand.Summary(status.Agents)
            + "\n"
            + Screen.Table(
            [
                ["EXCHANGES", "OPEN", "INSPECTED", "REFUSED", "ABANDONED", "PARTLY", "BYPASSED", "NOT-SUBJECT"],
                [
                    Screen.Number(exchanges.Received), Screen.Number(exchanges.Open), Screen.Number(exchanges.Inspected), Screen.Number(exchanges.Refused),
                    Screen.Number(exchanges.Abandoned), Screen.Number(exchanges.Partly), Screen.Number(exchanges.Bypassed), Screen.Number(exchanges.NotSubject),
                ],
            ])
            + $"\nheld bodies: {Screen.Bytes(status.HeldBodyBytes)} of {Screen.Bytes(status.HeldBodyLimit)}\n";
    }
}
