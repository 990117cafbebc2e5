using System.CommandLine;
using Sidecar.Daemon.Cli.Help;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;

namespace Sidecar.Daemon.Cli;

/// <summary><c>sidecar config</c>: prints configurations, and what one may have in it. Asks no daemon.</summary>
internal static class ConfigCommand
{
    public static Command Create(TextWriter output, TextWriter errors) => new("config", "Print configuration files, or their schema")
    {
        Show(output, errors), Example(output, errors), FromFlags(output, errors), Schema(output),
    };

    private static SectionedCommand Show(TextWriter output, TextWriter errors)
    {
        var origin = FlagTypes.Switch("--origin", "Say of each value where it comes from: a place in a file, a variable or a flag");
        var command = Reading("show", "Print the configuration that counts: the file, with what environment and flags say", [origin]);
        command.SetAction(async (result, _) =>
        {
            var reading = ConfigurationFlags.SourceOf(result).Read();
            return await WriteAsync(reading, output, errors, result.GetValue(origin) ? reading.Origins : null);
        });
        return command;
    }

    private static SectionedCommand FromFlags(TextWriter output, TextWriter errors)
    {
        var command = Reading("from-flags", "Print the file that says what flags of 'sidecar run' say", []);
        command.SetAction(async (result, _) =>
        {
            var source = new FlagSource(ConfigurationFlags.Written(result), ConfigurationFlags.Machine);
            var reading = source.Read();
            return await WriteAsync(reading with { Snapshot = reading.Snapshot is { } read ? ListenerNaming.Of(read) : null }, output, errors);
        });
        return command;
    }

    private static Command Example(TextWriter output, TextWriter errors)
    {
        var name = new Argument<string?>("name")
        {
            Description = $"Which: {string.Join(", ", ConfigurationExamples.Names)} [{ConfigurationExamples.Usual}]",
            HelpName = "[NAME]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("example", "Print a file to begin with") { Arguments = { name } };
        command.SetAction(async (result, _) =>
        {
            var wanted = result.GetValue(name) ?? ConfigurationExamples.Usual;
            if (ConfigurationExamples.Find(wanted) is not { } text)
            {
                var names = ConfigurationExamples.Names;
                return await errors.FailAsync(
                    ExitCodes.WrongUse, $"there is no example {wanted}; there are {string.Join(", ", names)}{Nearest.Hint(wanted, names)}");
            }

            await output.WriteAsync(text);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Schema(TextWriter output)
    {
        var command = new Command("schema", "Print the JSON Schema of the file, for editors");
        command.SetAction(async (_, _) =>
        {
            await output.WriteAsync(ConfigurationSchema.Write());
            return ExitCodes.Ok;
        });
        return command;
    }

    // A command that takes the flags of 'sidecar run'.
    private static SectionedCommand Reading(string name, string description, IReadOnlyList<Option> own)
    {
        var command = new SectionedCommand(name, description)
        {
            Note = SettingHelp.Note,
            Sections =
            [
                .. own.Count == 0 ? [] : (HelpSection[])[new("Output", [.. own.Select(HelpPage.EntryOf)])],
                .. SettingHelp.Sections(ConfigurationFlags.Headed),
            ],
        };
        foreach (var option in own)
        {
            command.Options.Add(option);
        }

        ConfigurationFlags.AddTo(command);
        return command;
    }

    private static async Task<int> WriteAsync(
        ConfigurationReading reading, TextWriter output, TextWriter errors, Origins? origins = null)
    {
        await StartCheck.WriteAsync(errors, reading);
        if (reading.Snapshot is not { } snapshot)
        {
            return ExitCodes.WrongUse;
        }

        await output.WriteAsync(SnapshotWriter.Write(snapshot, origins));
        return ExitCodes.Ok;
    }
}
