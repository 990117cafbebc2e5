using System.CommandLine;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Daemon.Cli;

/// <summary>The flags that say what the configuration is, of every command that reads one.</summary>
internal static class ConfigurationFlags
{
    private static readonly Option<string?> File = new("--config", "-c")
    {
        HelpName = "FILE",
        Description = $"The configuration file; flags go before what it says. Without it and without --agent, --listen and --route it is "
            + $"${FileSource.Variable}, or {FileSource.UsualPath} where there is one.",
    };

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

    /// <summary>This machine.</summary>
    public static Surroundings Machine { get; } = new() { GroupExists = IsGroup };

    /// <summary>Those that are no settings, by the group that they head.</summary>
    public static IReadOnlyList<(SettingGroup Group, Option Flag)> Headed { get; } =
    [
        (SettingGroup.Agents, File), (SettingGroup.Agents, Agents), (SettingGroup.Listeners, Listeners), (SettingGroup.Routes, Routes),
    ];

    /// <summary>Whether the configuration is only checked.</summary>
    public static Option<bool> Check => SettingFlags.SwitchOf(DaemonSettings.Check);

    /// <summary>Adds the flags to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (var (_, flag) in Headed)
        {
            command.Options.Add(flag);
        }

        SettingFlags.AddTo(command);
    }

    /// <summary>What was written.</summary>
    public static WrittenFlags Written(ParseResult result) => new()
    {
        Agents = result.GetValue(Agents) ?? [],
        Listeners = result.GetValue(Listeners) ?? [],
        Routes = result.GetValue(Routes) ?? [],
        Settings = SettingFlags.Written(result),
    };

    /// <summary>Where the configuration is.</summary>
    public static IConfigurationSource SourceOf(ParseResult result) =>
        FileSource.Choose(result.GetValue(File), Written(result), Machine);

    // A database of groups that cannot be asked is not what is checked here.
    private static bool IsGroup(string name)
    {
        try
        {
            return UnixGroups.Find(name) is not null;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
