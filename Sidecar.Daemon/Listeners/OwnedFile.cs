using System.Runtime.InteropServices;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>Removes a file only if it is the very file we made.</summary>
internal static class OwnedFile
{
    /// <summary>Removes <paramref name="path"/> if it still names <paramref name="identity"/>.</summary>
    /// <remarks>
    /// Looking and then deleting would delete the file of a successor that renames over the path in between. So the file is moved aside,
    /// looked at again, and put back if it turns out to be somebody else's, unless yet another one took the place.
    /// </remarks>
    /// <returns>Whether it was ours and is gone now.</returns>
    /// <exception cref="IOException">The file could not be looked at or moved.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory is not writable.</exception>
    public static bool Remove(string path, FileIdentity identity)
    {
        if (!Is(path, identity))
        {
            return false;
        }

        var aside = UnixSocketPath.NewTemporary(path);
        File.Move(path, aside, overwrite: false);
        if (Is(aside, identity))
        {
            File.Delete(aside);
            return true;
        }

        try
        {
            File.Move(aside, path, overwrite: false);
        }
        catch (IOException) when (FileIdentity.Read(path) is not null)
        {
            File.Delete(aside);
        }

        return false;
    }

    private static bool Is(string path, FileIdentity identity) =>
        FileIdentity.Read(path) is { } found && found.IsSameFile(identity);
}

/// <summary>
/// Keeps a listener's socket file at hand while another listener tries to take its place: until then nothing is lost by taking that back.
/// </summary>
internal sealed class SocketFileBackup
{
    private readonly string _path;
    private readonly string _aside;

    private SocketFileBackup(string path, string aside) => (_path, _aside) = (path, aside);

    /// <summary>Gives the file a second name beside it.</summary>
    /// <exception cref="IOException">The directory is not writable, or the file is gone.</exception>
    public static SocketFileBackup Of(string path)
    {
        var aside = UnixSocketPath.NewTemporary(path);
        return FileCalls.Link(path, aside) == 0
            ? new SocketFileBackup(path, aside)
            : throw new IOException($"cannot keep {path} while another listener takes its place: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>The file has its place again, whatever is there.</summary>
    public void Restore()
    {
        File.Move(_aside, _path, overwrite: true);

        // Where it had never lost its place, both names are the same file's, and moving one over the other leaves both.
        Drop();
    }

    /// <summary>Its place is another's for good.</summary>
    public void Drop() => File.Delete(_aside);
}
