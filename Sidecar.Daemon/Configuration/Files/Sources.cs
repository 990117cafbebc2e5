namespace Sidecar.Daemon.Configuration.Files;

/// <summary>A configuration that stands on the command line. Immutable.</summary>
/// <param name="flags">The flags.</param>
/// <param name="machine">What of the machine is looked at.</param>
internal sealed class FlagSource(WrittenFlags flags, Surroundings machine) : IConfigurationSource
{
    public string Place => "the command line";

    public IReadOnlyList<string> Files => [];

    public ConfigurationReading Read()
    {
        var (findings, origins) = (new Findings(), new Origins());
        var environment = WrittenFlags.ReadEnvironment(machine.Variable, findings, origins);
        var snapshot = flags.Read(findings, origins);
        return Reading.Of(snapshot with { Values = snapshot.Values.Over(environment) }, findings, origins, machine);
    }
}

/// <summary>A configuration that stands in a file, with what the environment and the command line say in place of parts of it.</summary>
/// <param name="path">The file.</param>
/// <param name="flags">The flags, which go before.</param>
/// <param name="machine">What of the machine is looked at.</param>
/// <param name="texts">Reads files; null for those of the file system.</param>
internal sealed class FileSource(string path, WrittenFlags flags, Surroundings machine, IFileTexts? texts = null) : IConfigurationSource
{
    /// <summary>The file that is used where none is named and there is one.</summary>
    public const string UsualPath = "/etc/sidecar/sidecar.yaml";

    /// <summary>The variable of the environment that names the file.</summary>
    public const string Variable = "SIDECAR_CONFIG";

    private volatile IReadOnlyList<string> _files = [path];

    public string Place => path;

    /// <summary>The file, what it included when it was last read, and the directories where such files are looked for.</summary>
    public IReadOnlyList<string> Files => _files;

    public ConfigurationReading Read()
    {
        var (findings, origins) = (new Findings(), new Origins());
        var binder = new FileBinder(findings, origins, texts);
        var file = binder.Read(path);
        file = file with { Values = WrittenFlags.ReadEnvironment(machine.Variable, findings, origins).Over(file.Values) };
        var snapshot = WrittenFlags.Over(flags.Read(findings, origins), file, origins);
        _files = [.. binder.Files, .. binder.Folders.Distinct(StringComparer.Ordinal)];
        var reading = Reading.Of(snapshot, findings, origins, machine) with { Files = [.. binder.Files] };
        return reading.Snapshot is null ? reading : reading with { Texts = [.. binder.Texts] };
    }

    public IConfigurationSource With(IReadOnlyList<FileText> texts) => new FileSource(path, flags, machine, new KeptTexts(texts));

    /// <summary>The source that a command line means: the file that it names, or the environment, or the usual one, or itself.</summary>
    /// <param name="named">The file that a flag names; null for none.</param>
    /// <param name="flags">The other flags.</param>
    /// <param name="machine">What of the machine is looked at.</param>
    public static IConfigurationSource Choose(string? named, WrittenFlags flags, Surroundings machine)
    {
        var path = named ?? (machine.Variable(Variable) is { Length: > 0 } variable ? variable : null)
            ?? (!flags.SaysWhatThereIs && machine.FileExists(UsualPath) ? UsualPath : null);
        return path is null ? new FlagSource(flags, machine) : new FileSource(path, flags, machine);
    }
}

/// <summary>Completes what was read.</summary>
internal static class Reading
{
    /// <summary>Checks a configuration as a whole, and looks for what is probably not meant.</summary>
    /// <param name="snapshot">What was read; with errors already, it need not be all.</param>
    /// <param name="findings">What was found until now.</param>
    /// <param name="origins">Where things were written.</param>
    /// <param name="machine">What of the machine is looked at.</param>
    public static ConfigurationReading Of(ConfigurationSnapshot snapshot, Findings findings, Origins origins, Surroundings machine)
    {
        foreach (var issue in OptionsValidator.Issues(snapshot, isComplete: !findings.HasErrors))
        {
            findings.Error(origins.Find(issue.About), issue.Message);
        }

        if (findings.HasErrors)
        {
            return new(null, findings.Errors, findings.Warnings) { Origins = origins };
        }

        foreach (var issue in ConfigurationWarnings.Of(snapshot, machine))
        {
            findings.Warn(origins.Find(issue.About), issue.Message);
        }

        return new(snapshot, [], findings.Warnings) { Origins = origins };
    }
}
