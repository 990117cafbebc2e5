using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// The file with the key of reply tokens: kept over restarts and shared by instances, so that each can show what another decided.
/// </summary>
internal static class ReplyKeyFile
{
    /// <summary>Bytes of the key, which are all the file holds.</summary>
    public const int KeyLength = 32;

    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads the key where the file exists, as a start would; else some key, and no file is made.</summary>
    /// <exception cref="IOException">The file cannot be used; the message says why and what to do.</exception>
    public static byte[] Check(string path) => File.Exists(path) ? LoadOrCreate(path) : RandomNumberGenerator.GetBytes(KeyLength);

    /// <summary>Reads the key; makes the file, mode 0600 and with random bytes, where there is none.</summary>
    /// <param name="path">The file. Its directory must exist.</param>
    /// <exception cref="IOException">The file cannot be used; the message says why and what to do.</exception>
    public static byte[] LoadOrCreate(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                Create(path);
            }

            return Load(path);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"cannot use the reply key file {path}: {e.Message}; make it readable for the daemon's user", e);
        }
    }

    // Written beside and linked to its name: two instances that start together end up with one key, and nobody reads half of it.
    private static void Create(string path)
    {
        var temporary = $"{path}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Owner };
        using (var file = new FileStream(temporary, options))
        {
            file.Write(RandomNumberGenerator.GetBytes(KeyLength));
            file.Flush(flushToDisk: true);
        }

        var failed = FileCalls.Link(temporary, path) != 0;
        var reason = failed ? Marshal.GetLastPInvokeErrorMessage() : null;
        File.Delete(temporary);
        if (failed && !File.Exists(path))
        {
            throw new IOException(
                $"cannot make the reply key file {path}: {reason}; make it by hand: head -c {KeyLength} /dev/urandom, mode 0600");
        }
    }

    private static byte[] Load(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        PrivateFile.Check(file.SafeFileHandle, "reply key file", path, "others could forge replies", "600");
        if (file.Length != KeyLength)
        {
            throw new IOException(
                $"the reply key file {path} has {file.Length} bytes; it must have {KeyLength}; delete it and a new one is made");
        }

        var key = new byte[KeyLength];
        file.ReadExactly(key);
        return key;
    }
}
