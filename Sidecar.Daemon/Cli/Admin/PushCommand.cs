using System.CommandLine;
using System.Text.Json;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary><c>sidecar agents push</c>: gives an agent a configuration and waits for its word.</summary>
internal static class PushCommand
{
    // All attempts of a push take 46 s by the defaults, after those that wait before it.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private static readonly Argument<string> Agent = new("ID") { Description = "The agent" };

    private static readonly Option<string?> File = new("--file")
    {
        Description = "A file with one JSON value [default: the agent's config-file, read again by the daemon]",
        HelpName = "FILE",
    };

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("push", "Push a configuration to an agent and wait until it accepts or refuses it") { Agent, File };
        command.SetAction((result, cancellation) => AdminFlags.AskAsync(result, errors, async client =>
        {
            var end = await PushAsync(client, new ConfigPushOrder(result.GetValue(Agent), Read(result.GetValue(File))), cancellation).ConfigureAwait(false);
            if (end.State != "acknowledged")
            {
                throw new AdminException($"{end.Id} to agent {end.Agent} is {end.State}: {end.Reason ?? "it waits"}", ExitCodes.Failed);
            }

            await output.WriteLineAsync($"agent {Screen.Clean(end.Agent)} has accepted {Screen.Clean(end.Id)} on {Screen.Number(end.AcceptedConnections)} connections").ConfigureAwait(false);
        }));
        return command;
    }

    private static async Task<ConfigPushDocument> PushAsync(AdminClient client, ConfigPushOrder order, CancellationToken cancellation)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(order, OrderJson.Default.ConfigPushOrder);
        var answer = await client.PostAsync("/config-pushes", bytes, AdminJson.Default.ConfigPushesDocument, cancellation).ConfigureAwait(false);
        var (push, time) = (answer.Pushes[0], TimeProvider.System);
        for (var started = time.GetTimestamp(); push.EndedAt is null && time.GetElapsedTime(started) < Patience;)
        {
            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
            push = (await client.GetAsync("/config-pushes", AdminJson.Default.ConfigPushesDocument, cancellation).ConfigureAwait(false)).Pushes
                .FirstOrDefault(other => other.Id == push.Id) ?? throw new AdminException($"the daemon knows nothing of {push.Id} any more: it was restarted", ExitCodes.Failed);
        }

        return push;
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
