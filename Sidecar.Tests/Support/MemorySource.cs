using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;

namespace Sidecar.Tests.Support;

/// <summary>A configuration that tests write and have read again.</summary>
internal sealed class MemorySource : IConfigurationSource
{
    private int _reads;

    public string Place => "/memory/sidecar.yaml";

    public IReadOnlyList<string> Files { get; init; } = ["/memory/sidecar.yaml"];

    /// <summary>What is read next.</summary>
    public volatile Func<ConfigurationReading> Next = static () => throw new InvalidOperationException("nothing was written");

    /// <summary>How often it was read, or its reading begun.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Has a configuration read from now on.</summary>
    public void Write(ConfigurationSnapshot snapshot, params string[] warnings) => Next = () => new(snapshot, [], warnings);

    /// <summary>Has mistakes read from now on.</summary>
    public void Break(params string[] errors) => Next = () => new(null, errors, []);

    /// <summary>What stands for the texts that were kept.</summary>
    public Func<IConfigurationSource?> Kept { get; set; } = static () => null;

    public IConfigurationSource? With(IReadOnlyList<FileText> texts) => Kept();

    public ConfigurationReading Read()
    {
        Interlocked.Increment(ref _reads);
        return Next();
    }
}
