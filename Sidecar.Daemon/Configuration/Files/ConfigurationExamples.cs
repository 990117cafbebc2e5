using System.Text;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Configuration files to begin with, one for each proxy.</summary>
internal static class ConfigurationExamples
{
    /// <summary>The one that is meant where none is named.</summary>
    public const string Usual = "minimal";

    private const string Prefix = "example/";

    /// <summary>Their names, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(ConfigurationExamples).Assembly.GetManifestResourceNames()
            .Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(static name => name[Prefix.Length..]).Order(StringComparer.Ordinal),
    ];

    /// <summary>The text of one; null when there is none of that name.</summary>
    public static string? Find(string name)
    {
        using var stream = typeof(ConfigurationExamples).Assembly.GetManifestResourceStream(Prefix + name);
        if (stream is null)
        {
            return null;
        }

        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
