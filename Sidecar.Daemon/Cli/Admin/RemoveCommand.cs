using System.CommandLine;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary><c>sidecar agents remove</c>: takes an agent out of service and waits until it is gone.</summary>
internal static class RemoveCommand
{
    private static readonly Argument<string> Agent = new("ID") { Description = "The agent" };

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command(
            "remove", "Take an agent out of service: its routes go on without it until the daemon is started again") { Agent };
        command.SetAction((result, cancellation) => AdminFlags.AskAsync(result, errors, async client =>
        {
            var id = result.GetValue(Agent)!;
            var first = Find(
                await client.DeleteAsync(
                    "/agents/" + Uri.EscapeDataString(id), AdminJson.Default.AgentsDocument, cancellation).ConfigureAwait(false), id);
            var last = await Poll.UntilAsync(
                first,
                static agent => agent is null,
                async () =>
                    Find(await client.GetAsync("/agents", AdminJson.Default.AgentsDocument, cancellation).ConfigureAwait(false), id),
                cancellation).ConfigureAwait(false);
            if (last is { } agent)
            {
                throw new AdminException(
                    $"agent {id} still takes part in {Screen.Number(agent.Versions.Sum(static version => version.OpenExchanges))} "
                    + "exchanges; it is gone when they have ended, at the latest after its drain-timeout",
                    ExitCodes.Failed);
            }

            await output.WriteLineAsync(
                $"agent {Screen.Clean(id)} is removed: its routes go on without it until the daemon is started "
                + "again").ConfigureAwait(false);
        }));
        return command;
    }

    private static AgentDocument? Find(AgentsDocument document, string id) => document.Agents.FirstOrDefault(agent => agent.Id == id);
}
