using System.Runtime.InteropServices;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Listeners;

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
