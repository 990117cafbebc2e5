using System.CommandLine;
using Sidecar.Daemon.Cli.Help;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration.Files;

namespace Sidecar.Daemon.Cli;

/// <summary><c>sidecar run</c>: what it is given says where the configuration is; rules and defaults live in Configuration.</summary>
internal static class RunCommand
{
    public static Command Create(TextWriter errors) => Create(TextWriter.Null, errors);

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new SectionedCommand("run", "Run the daemon")
        {
            Note = SettingHelp.Note,
            Sections = SettingHelp.Sections(ConfigurationFlags.Headed),
        };
        ConfigurationFlags.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var source = ConfigurationFlags.SourceOf(result);
            if (result.GetValue(ConfigurationFlags.Check))
            {
                return await StartCheck.RunAsync(source, output, errors);
            }

            var (reading, start) = Boot.Read(source, LastGood.DirectoryOf(Environment.GetEnvironmentVariable("STATE_DIRECTORY")));
            return await StartCheck.SettleAsync(reading, errors) is { } options
                ? await DaemonHost.RunAsync(options, start, errors, cancellation)
                : ExitCodes.WrongUse;
        });
        return command;
    }
}

/// <summary><c>sidecar check [FILE]</c>: does what a start does, and starts nothing.</summary>
internal static class CheckCommand
{
    public static Command Create(TextWriter output, TextWriter errors)
    {
        var file = new Argument<string?>("file")
        {
            Description = $"The configuration [{FileSource.UsualPath}, or ${FileSource.Variable}]",
            HelpName = "[FILE]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("check", "Check the configuration file as a start would")
        {
            Aliases = { "-t" },
            Arguments = { file },
        };
        command.SetAction(async (result, _) =>
        {
            var machine = ConfigurationFlags.Machine;
            var path = result.GetValue(file) ?? machine.Variable(FileSource.Variable) ?? FileSource.UsualPath;
            return await StartCheck.RunAsync(new FileSource(path, new WrittenFlags(), machine), output, errors);
        });
        return command;
    }
}
