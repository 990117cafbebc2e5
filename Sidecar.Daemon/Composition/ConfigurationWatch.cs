using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Control;

namespace Sidecar.Daemon.Composition;

/// <summary>Looks for changes of the configuration's files and has them followed as by a signal.</summary>
/// <remarks>
/// By their contents at an interval: that sees what is renamed into place, a symlink that is turned elsewhere (a ConfigMap, a checkout) and
/// file systems that tell of nothing. A change counts when it has stayed as it is for an interval, so that no half of one is read; one that
/// is refused is told once.
/// </remarks>
/// <param name="source">The configuration.</param>
/// <param name="reloads">Follows it.</param>
/// <param name="interval">From look to look.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Is told when looking fails.</param>
internal sealed partial class ConfigurationWatch(
    IConfigurationSource source, IReloads reloads, TimeSpan interval, TimeProvider time, ILogger<ConfigurationWatch> logger)
{
    /// <summary>What the log says of reloads that come this way.</summary>
    public const string Cause = "watch";

    // A mebibyte is what a file of the configuration may have; a longer one is refused when it is read.
    private const int MostBytes = 1024 * 1024;

    private const int MostNames = 10_000;

    private readonly GuardedRead<string> _look = new(time, () => Fingerprint(source.Files));
    private bool _isBlind;

    /// <summary>Looks until the token fires. The first look that finds all at rest has it read once more: it may be newer than the start.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        string? read = null;
        string? last = null;
        while (!cancellation.IsCancellationRequested)
        {
            await Task.Delay(interval, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var now = cancellation.IsCancellationRequested ? null : await LookAsync(cancellation);
            if (now is not null && now == last && now != read && !cancellation.IsCancellationRequested)
            {
                read = now;

                // One that hangs does not hold up the stop.
                await ((Task)reloads.ReloadAsync(Cause)).WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            last = now ?? last;
        }
    }

    /// <summary>The contents of files and the names in directories, as a digest; what cannot be read counts as a content, too.</summary>
    internal static string Fingerprint(IReadOnlyList<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in files.Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"\0{path}\0"));
            try
            {
                if (Directory.Exists(path))
                {
                    var names = Directory.EnumerateFileSystemEntries(path).Take(MostNames).Order(StringComparer.Ordinal);
                    hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\0', names)));
                }
                else
                {
                    AppendFile(hash, path);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                hash.AppendData(Encoding.UTF8.GetBytes(e.GetType().Name));
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static void AppendFile(IncrementalHash hash, string path)
    {
        using var file = File.OpenRead(path);
        var buffer = new byte[16 * 1024];
        for (int total = 0, read; total <= MostBytes && (read = file.Read(buffer)) > 0; total += read)
        {
            hash.AppendData(buffer, 0, read);
        }
    }

    private async Task<string?> LookAsync(CancellationToken cancellation)
    {
        var (now, problem) = await _look.TryAsync(cancellation);
        if (now is null && !_isBlind && !cancellation.IsCancellationRequested)
        {
            LogBlind(logger, source.Place, problem);
        }

        _isBlind = now is null;
        return now;
    }

    [LoggerMessage(36, LogLevel.Warning, "changes are not seen: {Place} {Problem}; look at the file system that it and what it includes are on")]
    private static partial void LogBlind(ILogger logger, string place, string problem);
}
