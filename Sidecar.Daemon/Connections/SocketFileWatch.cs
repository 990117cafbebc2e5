namespace Sidecar.Daemon.Connections;

/// <summary>Tells when a socket's file appears, so that whoever waits for an agent need not wait out a pause.</summary>
internal static class SocketFileWatch
{
    /// <summary>Begins to watch; null where that cannot be done (no such folder, or the kernel's limit of watches), which costs nothing but time.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="appeared">Called on a thread of its own when a file of that name was made, or another one was renamed to it.</param>
    public static IDisposable? TryStart(string path, Action appeared)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            var full = Path.GetFullPath(path);
            watcher = new FileSystemWatcher(Path.GetDirectoryName(full)!, Path.GetFileName(full)) { NotifyFilter = NotifyFilters.FileName };
            watcher.Created += (_, _) => appeared();
            watcher.Renamed += (_, renamed) =>
            {
                if (renamed.FullPath == full)
                {
                    appeared();
                }
            };
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            watcher?.Dispose();
            return null;
        }
    }
}
