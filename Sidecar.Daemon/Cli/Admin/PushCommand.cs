using System.CommandLine;
using System.Text.Json;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary><c>sidecar agents push</c>: gives an agent a configuration and waits for its word.</summary>
internal static class PushCommand
{
    private static readonly Argument<string> Agent = new("ID") { Description = "The agent" };

    private static readonly Option<string?> File = new("--file")
    {
        Description = "A file with one JSON value [the agent's config-file, read again by the daemon]",
        HelpName = "FILE",
    };

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("push", "Push a configuration to an agent and wait until it accepts or refuses it") { Agent, File };
        command.SetAction((result, cancellation) => AdminFlags.AskAsync(result, errors, async client =>
        {
            var end = await PushAsync(
                client, new ConfigPushOrder(result.GetValue(Agent), Read(result.GetValue(File))), cancellation).ConfigureAwait(false);
            if (end.State != "acknowledged")
            {
                throw new AdminException($"{end.Id} to agent {end.Agent} is {end.State}: {end.Reason ?? "it waits"}", ExitCodes.Failed);
            }

            await output.WriteLineAsync($"agent {Screen.Clean(end.Agent)} has accepted {Screen.Clean(end.Id)} on "
                + $"{Screen.Number(end.AcceptedConnections)} "
                + $"connections{(end.Reason is { } reason ? $" ({Screen.Clean(reason)})" : "")}").ConfigureAwait(false);
        }));
        return command;
    }

    private static async Task<ConfigPushDocument> PushAsync(AdminClient client, ConfigPushOrder order, CancellationToken cancellation)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(order, OrderJson.Default.ConfigPushOrder);
        var answer =
            await client.PostAsync("/config-pushes", bytes, AdminJson.Default.ConfigPushesDocument, cancellation).ConfigureAwait(false);
        var first = answer.Pushes[0];
        return await Poll.UntilAsync(
            first,
            static push => push.EndedAt is not null,
            async () =>
                (await client.GetAsync("/config-pushes", AdminJson.Default.ConfigPushesDocument, cancellation).ConfigureAwait(false)).Pushes
                .FirstOrDefault(push => push.Id == first.Id)
                    ?? throw new AdminException($"the daemon knows nothing of {first.Id} any more: it was restarted", ExitCodes.Failed),
            cancellation).ConfigureAwait(false);
    }

    private static JsonElement? Read(string? path)
    {
        try
        {
            return path is null ? null : ConfigurationFile.Read(path);
        }
        catch (IOException e)
        {
            throw new AdminException(e.Message.Replace("config-file", "--file", StringComparison.Ordinal), ExitCodes.WrongUse, e);
        }
    }
}
