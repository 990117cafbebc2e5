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

    private static readonly Option<string?> File =
        FlagTypes.Text("--file", "FILE", "A file with one JSON value [the agent's config-file, read again by the daemon]");

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("push", "Push a configuration to an agent and wait until it accepts or refuses it") { Agent, File };
        command.SetAction((result, cancellation) => AdminFlags.AskAsync(result, errors, async client =>
        {
            var end = await PushAsync(client, new ConfigPushOrder(result.GetValue(Agent), Read(result.GetValue(File))), cancellation);
            if (end.State != "acknowledged")
            {
                throw new AdminException($"{end.Id} to agent {end.Agent} is {end.State}: {end.Reason ?? "it waits"}", ExitCodes.Failed);
            }

            var note = end.Reason is { } reason ? $" ({Screen.Clean(reason)})" : "";
            await output.WriteLineAsync($"agent {Screen.Clean(end.Agent)} has accepted {Screen.Clean(end.Id)} on "
                + $"{end.AcceptedConnections} connections{note}");
        }));
        return command;
    }

    private static async Task<ConfigPushDocument> PushAsync(AdminClient client, ConfigPushOrder order, CancellationToken cancellation)
    {
        var (bytes, type) =
            (JsonSerializer.SerializeToUtf8Bytes(order, OrderJson.Default.ConfigPushOrder), AdminJson.Default.ConfigPushesDocument);
        var first = (await client.PostAsync("/config-pushes", bytes, type, cancellation)).Pushes[0];
        return await Poll.UntilAsync(first, static push => push.EndedAt is not null, LookAsync, cancellation);

        async Task<ConfigPushDocument> LookAsync() =>
            (await client.GetAsync("/config-pushes", type, cancellation)).Pushes.FirstOrDefault(push => push.Id == first.Id)
                ?? throw new AdminException($"the daemon knows nothing of {first.Id} any more: it was restarted", ExitCodes.Failed);
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
            var type = AdminJson.Default.AgentsDocument;
            var first = Find(await client.DeleteAsync("/agents/" + Uri.EscapeDataString(id), type, cancellation), id);
            async Task<AgentDocument?> LookAsync() => Find(await client.GetAsync("/agents", type, cancellation), id);
            var last = await Poll.UntilAsync(first, static agent => agent is null, LookAsync, cancellation);
            if (last is { } agent)
            {
                throw new AdminException(
                    $"agent {id} still takes part in {Screen.Number(agent.Versions.Sum(static version => version.OpenExchanges))} "
                    + "exchanges; it is gone when they have ended, at the latest after its drain-timeout", ExitCodes.Failed);
            }

            await output.WriteLineAsync(
                $"agent {Screen.Clean(id)} is removed: its routes go on without it until the daemon is started again");
        }));
        return command;
    }

    private static AgentDocument? Find(AgentsDocument document, string id) => document.Agents.FirstOrDefault(agent => agent.Id == id);
}

/// <summary>Looks again and again at what a daemon does by itself.</summary>
internal static class Poll
{
    // More than all attempts of a push (46 s by the defaults) and the drain of an agent (30 s) take; the daemon goes on in any case.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>The last that was seen: what was waited for, or two minutes have passed.</summary>
    /// <param name="seen">What was seen first.</param>
    /// <param name="isOver">Whether it is what is waited for.</param>
    /// <param name="look">Looks again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<T> UntilAsync<T>(T seen, Func<T, bool> isOver, Func<Task<T>> look, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        for (var started = time.GetTimestamp(); !isOver(seen) && time.GetElapsedTime(started) < Patience;)
        {
            await Task.Delay(Pause, time, cancellation);
            seen = await look();
        }

        return seen;
    }
}
