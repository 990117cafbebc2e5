namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Finds the files that a configuration includes.</summary>
internal static class IncludedFiles
{
    /// <summary>Most files in all: 256, a file for each of many sites.</summary>
    public const int Most = 256;

    /// <summary>The files, sorted by their whole paths within each pattern; each once.</summary>
    /// <param name="scope">The including file.</param>
    /// <param name="texts">Where files are looked for.</param>
    /// <param name="path">Its path, which a pattern may match, too.</param>
    /// <param name="entry">The key with the patterns.</param>
    /// <param name="folders">Is told in which directories was looked.</param>
    public static IReadOnlyList<string> Find(
        FileScope scope, IFileTexts texts, string path, MappingEntry entry, List<string> folders)
    {
        var found = new List<string>();
        var self = Path.GetFullPath(path);
        foreach (var pattern in scope.TextsOf(entry, "conf.d/*.yaml"))
        {
            var whole = Path.GetFullPath(SocketPaths.In(scope.Directory, pattern.Text.Replace("\0", "", StringComparison.Ordinal)));
            var (folder, name) = (Path.GetDirectoryName(whole) ?? "/", Path.GetFileName(whole));
            if (name.Length == 0 || folder.AsSpan().IndexOfAny('*', '?') >= 0)
            {
                scope.Findings.Error(pattern.At, $"include: {pattern.Text}: '*' may stand in the file's name only; write conf.d/*.yaml");
                continue;
            }

            folders.Add(folder);
            var matches = Matches(scope, texts, pattern, folder, name).Where(file => file != self && !found.Contains(file)).ToList();
            if (found.Count + matches.Count > Most)
            {
                scope.Findings.Error(pattern.At, $"include: {found.Count + matches.Count} files are included; {Most} may be");
                return [];
            }

            found.AddRange(matches);
        }

        return found;
    }

    private static List<string> Matches(FileScope scope, IFileTexts texts, ScalarNode pattern, string folder, string name)
    {
        if (name.AsSpan().IndexOfAny('*', '?') < 0)
        {
            return [Path.Combine(folder, name)];
        }

        try
        {
            // Beyond the bound they are only counted, and one is enough for that.
            List<string> files = [.. texts.Find(folder, name).Take(Most + 1).Order(StringComparer.Ordinal)];
            if (files.Count == 0)
            {
                scope.Findings.Warn(pattern.At, $"include: {pattern.Text} matches no file");
            }

            return files;
        }
        catch (DirectoryNotFoundException)
        {
            scope.Findings.Warn(pattern.At, $"include: {pattern.Text} matches no file: there is no directory {folder}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            scope.Findings.Error(pattern.At, $"include: the directory {folder} cannot be read: {e.Message}");
        }

        return [];
    }
}
