using System.CommandLine;
using System.CommandLine.Parsing;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Cli.Admin;
using Sidecar.Daemon.Cli.Help;

namespace Sidecar.Daemon;

/// <summary>The entry point of the command <c>sidecar</c>.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand("Sidecar hands the requests of a reverse proxy to inspection agents.")
        {
            RunCommand.Create(Console.Out, Console.Error),
            CheckCommand.Create(Console.Out, Console.Error),
            ConfigCommand.Create(Console.Out, Console.Error),
            StatusCommand.Create(Console.Out, Console.Error),
            ReloadCommand.Create(Console.Out, Console.Error),
            AgentsCommand.Create(Console.Out, Console.Error),
            SessionsCommand.Create(Console.Out, Console.Error),
            AgentCommand.Create(Console.Error),
            BenchCommand.Create(Console.Out, Console.Error),
        };
        HelpPage.AddTo(root);
        var result = root.Parse(arguments);
        if (result.Errors is [var first, ..])
        {
            var message = result.UnmatchedTokens is [var word, ..] ? $"'{word}' is not understood here" : first.Message;
            await Console.Error.WriteLineAsync($"sidecar: {message} (see 'sidecar {Path(result)}--help')").ConfigureAwait(false);
            return ExitCodes.WrongUse;
        }

        // Signals belong to the host, which drains first; the parser's own timeout would cut that short.
        return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }).ConfigureAwait(false);
    }

    private static string Path(ParseResult result)
    {
        var names = "";
        for (var command = result.CommandResult; command is { Command: not RootCommand }; command = command.Parent as CommandResult)
        {
            names = command.Command.Name + " " + names;
        }

        return names;
    }
}
