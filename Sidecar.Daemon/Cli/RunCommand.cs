using System.CommandLine;
using Sidecar.Daemon.Cli.Help;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli;

/// <summary><c>sidecar run</c>: binds flags to options; rules and defaults live in Configuration.</summary>
internal static class RunCommand
{
    private static readonly Option<string[]> Agents = FlagTypes.Many(
        "--agent", "ID=ENDPOINT[+ENDPOINT…][,KEY=VALUE…]",
        "An agent and where it is: /PATH, unix:PATH, http://HOST:PORT, https://HOST:PORT or grpc-unix:PATH, one for each of its processes, "
        + "or reverse: for one that dials in. Keys are below. Repeatable.");

    private static readonly Option<string[]> Listeners = FlagTypes.Many(
        "--listen", "KIND=PATH[,KEY=VALUE…]",
        "A Unix socket to listen on. KIND is http (with proxy=), spop, envoy, frames, native, admin or reverse, where agents dial in. "
        + "Traefik needs http=127.0.0.1:PORT, envoy may have such a port, and spop=abns:NAME is an abstract name. Keys are below. "
        + "Repeatable.");

    private static readonly Option<string[]> Routes = FlagTypes.Many(
        "--route", "ID[,KEY=VALUE…]",
        "Which requests go to which agents; the first match wins. Without any, every request goes to every agent. Keys are below. "
        + "Repeatable.");

    public static Command Create(TextWriter errors)
    {
        var command = new SectionedCommand("run", "Run the daemon")
        {
            Note = SettingHelp.Note,
            Sections = SettingHelp.Sections(
                [(SettingGroup.Agents, Agents), (SettingGroup.Listeners, Listeners), (SettingGroup.Routes, Routes)]),
            Options = { Agents, Listeners, Routes },
        };
        SettingFlags.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var problems = new List<string>();
            var options = Bind(result, problems);
            if (options.Routes.Count == 0 && problems.Count == 0 && options.Values.Has(DaemonSettings.Unmatched))
            {
                problems.Add($"{DaemonSettings.Unmatched.Flag} {DaemonSettings.Unmatched.Write(options.Unmatched)} is about requests that "
                    + "no --route takes; without a --route every request goes to every agent");
            }

            problems.AddRange(OptionsValidator.Validate(options, isComplete: problems.Count == 0));
            if (problems.Count > 0)
            {
                return await errors.FailAsync(ExitCodes.WrongUse, problems);
            }

            var start = ConfigurationStart.Flags;
            var plan = start.Fit(options);
            if ((plan.Error ?? plan.Warning) is { } said)
            {
                await errors.FailAsync(ExitCodes.WrongUse, said);
            }

            return plan.Error is not null ? ExitCodes.WrongUse
                : options.ChecksOnly ? await DaemonHost.CheckAsync(plan.Options, errors)
                : await DaemonHost.RunAsync(plan.Options, start, errors, cancellation);
        });
        return command;
    }

    private static ConfigurationSnapshot Bind(ParseResult result, List<string> problems) => new()
    {
        Agents = Read(result.GetValue(Agents), AgentFlag.Parse, problems),
        Listeners = Read(result.GetValue(Listeners), ListenerFlag.Parse, problems),
        Routes = Read(result.GetValue(Routes), RouteFlag.Parse, problems),
        Values = SettingFlags.Read(result, problems),
    };

    private static List<T> Read<T>(string[]? texts, Func<string, List<string>, T?> parse, List<string> problems)
        where T : class => [.. (texts ?? []).Select(text => parse(text, problems)).OfType<T>()];
}
