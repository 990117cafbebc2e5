namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Where the configuration comes from: read at the start, and again by every reload.</summary>
/// <remarks>Reading changes nothing and starts nothing. Safe from any thread.</remarks>
internal interface IConfigurationSource
{
    /// <summary>Where it is, for messages: the path of the file, or <c>the command line</c>.</summary>
    string Place { get; }

    /// <summary>Files and directories whose change may change what is read; empty for the command line.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>
    /// Reads all of it and checks it as a whole (rule 7). Never throws for what is written there, nor for a file that cannot be read.
    /// </summary>
    ConfigurationReading Read();

    /// <summary>The same place with these texts instead of what stands in its files; null where nothing stands in files.</summary>
    IConfigurationSource? With(IReadOnlyList<FileText> texts) => null;
}

/// <summary>What was read of a configuration.</summary>
/// <param name="Snapshot">The configuration; null when there is an error.</param>
/// <param name="Errors">Everything that is wrong, each with its place; empty when it can be used.</param>
/// <param name="Warnings">What can be used and is probably not meant, each with its place.</param>
internal sealed record ConfigurationReading(ConfigurationSnapshot? Snapshot, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings)
{
    /// <summary>The files that were read, with all that they include.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Their texts, exactly as they were read; empty when there is an error.</summary>
    public IReadOnlyList<FileText> Texts { get; init; } = [];

    /// <summary>Where each part was written; null where nothing tells.</summary>
    public Origins? Origins { get; init; }
}

/// <summary>A file of the configuration as it was read.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Text">All of it.</param>
internal sealed record FileText(string Path, string Text);
