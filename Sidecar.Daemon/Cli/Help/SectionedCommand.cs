using System.CommandLine;

namespace Sidecar.Daemon.Cli.Help;

/// <summary>A command whose flags help shows under headings of its own.</summary>
internal sealed class SectionedCommand(string name, string description) : Command(name, description)
{
    /// <summary>What help says above them; null for nothing.</summary>
    public string? Note { get; init; }

    /// <summary>The headings, with every flag of the command below one of them.</summary>
    public IReadOnlyList<HelpSection> Sections { get; init; } = [];
}
