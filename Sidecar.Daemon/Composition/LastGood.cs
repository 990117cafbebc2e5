using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration.Files;

namespace Sidecar.Daemon.Composition;

/// <summary>
/// Keeps the texts of the last configuration that counted, for a start whose own cannot be used. What does not work is said once, and
/// nothing else suffers. Safe from any thread.
/// </summary>
/// <param name="directory">Where it is kept; null keeps nothing.</param>
/// <param name="logger">Is told what does not work.</param>
internal sealed partial class LastGood(string? directory, ILogger<LastGood> logger)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "last-good.json";

    /// <summary>Most characters of all files: 16 Mi, many times what a large site has.</summary>
    public const int MostCharacters = 16 * 1024 * 1024;

    private readonly Lock _gate = new();
    private IReadOnlyList<FileText>? _kept;
    private bool _hasFailed;

    /// <summary>The directory that the service manager gives for state (systemd.exec(5)); null where there is none.</summary>
    public static string? DirectoryOf(string? stateDirectory) =>
        stateDirectory?.Split(':', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(static path => path[0] == '/');

    /// <summary>What was kept; null when nothing was, or when it cannot be read.</summary>
    /// <param name="directory">Where; null has nothing.</param>
    public static IReadOnlyList<FileText>? Read(string? directory)
    {
        try
        {
            if (directory is null || new FileInfo(Path.Combine(directory, FileName)) is not { Exists: true, Length: < 8L * MostCharacters } file)
            {
                return null;
            }

            using var stream = file.OpenRead();
            return JsonSerializer.Deserialize(stream, LastGoodJson.Default.LastGoodDocument) is { Version: 1, Files: { Count: > 0 } files } ? files : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps these, in place of those before.</summary>
    public void Keep(IReadOnlyList<FileText> texts)
    {
        lock (_gate)
        {
            if (directory is null || texts.Count == 0 || (_kept is not null && _kept.SequenceEqual(texts)))
            {
                return;
            }

            var problem = texts.Sum(static one => (long)one.Text.Length) > MostCharacters
                ? $"the configuration has more than {MostCharacters} characters"
                : Write(directory, texts);
            _kept = problem is null ? texts : null;
            if (problem is not null && !_hasFailed)
            {
                LogNotKept(logger, directory, problem);
            }

            _hasFailed = problem is not null;
        }
    }

    // Beside and renamed, so that a start finds the one before or this one, whenever the power goes.
    private static string? Write(string directory, IReadOnlyList<FileText> texts)
    {
        var (place, beside) = (Path.Combine(directory, FileName), Path.Combine(directory, FileName + ".new"));
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        try
        {
            File.Delete(beside);
            try
            {
                using (var stream = new FileStream(beside, options))
                {
                    JsonSerializer.Serialize(stream, new LastGoodDocument(1, texts), LastGoodJson.Default.LastGoodDocument);
                    stream.Flush(flushToDisk: true);
                }

                File.Move(beside, place, overwrite: true);
            }
            finally
            {
                // Nothing when it has its place; half of it when the disk is full.
                File.Delete(beside);
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    [LoggerMessage(37, LogLevel.Warning,
        "the configuration is not kept in {Directory} for a start whose own cannot be used: {Problem}")]
    private static partial void LogNotKept(ILogger logger, string directory, string problem);
}

/// <summary>What is kept.</summary>
/// <param name="Version">Of this form: 1.</param>
/// <param name="Files">The file and those that it included.</param>
internal sealed record LastGoodDocument(int Version, IReadOnlyList<FileText> Files);

/// <summary>What is kept, as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(LastGoodDocument))]
internal sealed partial class LastGoodJson : JsonSerializerContext;
