using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary>What all commands share that ask a daemon.</summary>
internal static class AdminFlags
{
    /// <summary>The daemon to ask.</summary>
    public static readonly Option<string?> Admin = new("--admin")
    {
        Description = $"The daemon's admin socket, its --listen admin=PATH [{Defaults.AdminSocket}]",
        HelpName = "PATH",
        Recursive = true,
    };

    /// <summary>The answer as it came.</summary>
    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON, for programs" };

    /// <summary>Lets a command show a document of the daemon: as it is for programs, else as a screen.</summary>
    /// <param name="command">The command.</param>
    /// <param name="path">Where the document is.</param>
    /// <param name="type">What it is.</param>
    /// <param name="screen">Makes the screen.</param>
    /// <param name="output">Where it is shown.</param>
    /// <param name="errors">Where it is said why it cannot be.</param>
    public static void Shows<T>(
        this Command command, Func<ParseResult, string> path, JsonTypeInfo<T> type, Func<T, string> screen, TextWriter output,
        TextWriter errors)
    {
        command.Options.Add(Json);
        command.SetAction((result, cancellation) => AskAsync(result, errors, async client =>
        {
            var document = await client.GetAsync(path(result), type, cancellation).ConfigureAwait(false);
            await output.WriteAsync(
                result.GetValue(Json) ? JsonSerializer.Serialize(document, type) + "\n" : screen(document)).ConfigureAwait(false);
        }));
    }

    /// <summary>Asks the daemon and says in one line why not, when that fails; the exit code for the shell.</summary>
    public static async Task<int> AskAsync(ParseResult result, TextWriter errors, Func<AdminClient, Task> ask)
    {
        var path = result.GetValue(Admin) ?? Defaults.AdminSocket;
        if (SocketPaths.Error(path) is { } error)
        {
            await errors.WriteLineAsync($"sidecar: --admin: {error}").ConfigureAwait(false);
            return ExitCodes.WrongUse;
        }

        try
        {
            using var client = new AdminClient(path);
            await ask(client).ConfigureAwait(false);
            return ExitCodes.Ok;
        }
        catch (AdminException e)
        {
            await errors.WriteLineAsync($"sidecar: {Screen.Clean(e.Message)}").ConfigureAwait(false);
            return e.ExitCode;
        }
    }
}
