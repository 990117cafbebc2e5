using System.Text;

namespace Sidecar.Daemon.Configuration;

/// <summary>What a Unix socket's path may be.</summary>
internal static class SocketPaths
{
    /// <summary>The kernel's limit in bytes, without the closing NUL.</summary>
    public const int MaxBytes = 107;

    /// <summary>
    /// What is wrong with a path of the daemon's configuration; null when it is fine. Where a relative one leads depends on who starts the
    /// daemon.
    /// </summary>
    public static string? ErrorInConfiguration(string path) => Error(path)
        ?? (path[0] == '/' ? null : $"the path '{path}' is relative, and where it leads depends on the directory that the daemon is "
        + $"started in; write the whole path, for example /run/sidecar/{Path.GetFileName(path)}");

    /// <summary>What is wrong with a path; null when it is fine.</summary>
    public static string? Error(string path)
    {
        if (path.Length == 0)
        {
            return "the path of the socket is empty";
        }

        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return "the path of the socket has a NUL";
        }

        var bytes = Encoding.UTF8.GetByteCount(path);
        return bytes > MaxBytes ? $"the path has {bytes} bytes; a Unix socket's path may have {MaxBytes}; choose a shorter one" : null;
    }
}
