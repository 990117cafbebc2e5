using System.Security.Cryptography;
using System.Text;

namespace Sidecar.Daemon.Listeners;

/// <summary>What a path must look like to carry a listener socket, and the temporary name a socket is bound to first.</summary>
internal static class UnixSocketPath
{
    /// <summary>Longest path in bytes of UTF-8: <c>sun_path</c> has 108 with its closing NUL (unix(7)).</summary>
    public const int MaxBytes = 107;

    /// <summary>Length of the shortest temporary file name: a dot, which hides it, and 8 hexadecimal digits.</summary>
    public const int TemporaryNameLength = 9;

    /// <summary>Says what is wrong with a listener's path, without touching the file system.</summary>
    /// <returns>Null when the path is good, else a message with the value, the limit and what to do.</returns>
    public static string? Validate(string path) =>
        path is not ['/', ..] ? $"socket path '{path}' is not absolute; give it from the root, as in /run/sidecar/http.sock"
        : path.AsSpan().ContainsAnyInRange('\0', '\u001f') || path.Contains('\u007f', StringComparison.Ordinal)
            ? $"socket path '{Printable(path)}' holds a control character; remove it"
        : Path.GetFileName(path) is "" or "." or ".."
            ? $"socket path '{path}' names a directory; add a file name, as in /run/sidecar/http.sock"
        : Encoding.UTF8.GetByteCount(path) is > MaxBytes and var bytes
            ? $"socket path '{path}' has {bytes} bytes; the system allows {MaxBytes}; choose a shorter one"
        : Encoding.UTF8.GetByteCount(InSameDirectory(path, new string('x', TemporaryNameLength))) is > MaxBytes and var temporary
            ? $"the directory of socket path '{path}' is too long: with the temporary name of {TemporaryNameLength} bytes that a socket "
              + $"is bound to first it makes {temporary} bytes; the system allows {MaxBytes}; choose a shorter directory"
        : null;

    /// <summary>A new name beside <paramref name="path"/>, so that a rename from it to the path is atomic.</summary>
    /// <remarks>
    /// Random, not made from the process id: containers that share a directory are all process 1, and .NET deletes the name a socket was
    /// bound to when that socket is disposed, which may be long after the rename. It must never be the name a successor uses. The kernel
    /// goes on showing this name (<c>ss -xl</c>), so it holds the real one where there is room.
    /// </remarks>
    public static string NewTemporary(string path)
    {
        var random = "." + RandomNumberGenerator.GetHexString(TemporaryNameLength - 1, lowercase: true);
        var telling = InSameDirectory(path, "." + Path.GetFileName(path) + random);
        return Encoding.UTF8.GetByteCount(telling) <= MaxBytes ? telling : InSameDirectory(path, random);
    }

    private static string InSameDirectory(string path, string name) => Path.Join(Path.GetDirectoryName(path), name);

    private static string Printable(string path) => string.Concat(path.Select(static c => char.IsControl(c) ? '?' : c));
}
