using System.Text;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>Reads configurations as a start does, from texts and on a machine where everything is that they name.</summary>
internal static class ConfigurationText
{
    /// <summary>A machine with every directory and group and an empty environment.</summary>
    public static Surroundings Machine { get; } =
        new() { GroupExists = static _ => true, DirectoryExists = static _ => true, FileExists = static _ => false, Variable = static _ => null };

    /// <summary>A file with one listener and one agent, for what is added behind it.</summary>
    public const string Good = """
        version: 1
        listeners: {n: {for: native, socket: /run/n.sock}}
        agents: {waf: {at: /run/waf.sock}}

        """;

    /// <summary>What a text is read as; its name is <c>/etc/s.yaml</c>.</summary>
    public static ConfigurationReading Read(string text, Surroundings? machine = null) => Read(Encoding.UTF8.GetBytes(text), machine);

    /// <summary>What bytes are read as.</summary>
    public static ConfigurationReading Read(byte[] utf8, Surroundings? machine = null)
    {
        var (findings, origins) = (new Findings(), new Origins());
        return Reading.Of(new FileBinder(findings, origins).Read("/etc/s.yaml", utf8), findings, origins, machine ?? Machine);
    }
}
