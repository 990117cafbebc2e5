using Microsoft.Win32.SafeHandles;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Rights of a file whose content must stay between the daemon and those it is meant for.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Forbidden =
        UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>The mode in octal when others may read the file or the group may write it; null when it is private.</summary>
    /// <param name="file">The open file, so that it is the one that is read.</param>
    public static string? ForbiddenMode(SafeFileHandle file)
    {
        var mode = File.GetUnixFileMode(file);
        return (mode & Forbidden) == 0 ? null : "0" + Convert.ToString((int)mode, 8);
    }
}
