using System.Collections.Concurrent;
using System.Text;

namespace Sidecar.Tests.Support;

/// <summary>A private, empty directory that deletes itself, with a path short enough for Unix sockets.</summary>
internal sealed class TempDirectory : IDisposable
{
    // sockaddr_un holds 108 bytes with the final zero; the rest is room for a temporary name beside the socket.
    private const int MaxSocketPath = 100;

    // Whether each is still there, for those whose tests could not come to their end.
    private static readonly ConcurrentDictionary<TempDirectory, bool> Left = new();

    static TempDirectory() => AppDomain.CurrentDomain.ProcessExit += static (_, _) =>
    {
        foreach (var directory in Left.Keys)
        {
            try
            {
                directory.Dispose();
            }
            catch (IOException)
            {
                // Somebody still writes into it; nobody is there to be told.
            }
        }
    };

    /// <summary>Creates it, readable by this user only.</summary>
    public TempDirectory()
    {
        FullPath = Directory.CreateTempSubdirectory("sc").FullName;
        Left.TryAdd(this, true);
    }

    /// <summary>Its path.</summary>
    public string FullPath { get; }

    /// <summary>The path of a file in it, which is not created.</summary>
    public string File(string name) => Path.Combine(FullPath, name);

    /// <summary>The path of a Unix socket in it, which is not created; below 100 bytes.</summary>
    public string Socket(string name)
    {
        var path = File(name);
        var size = Encoding.UTF8.GetByteCount(path);
        return size < MaxSocketPath
            ? path
            : throw new ArgumentException(
                $"The socket path {path} has {size} bytes; below {MaxSocketPath} is needed. Set a shorter TMPDIR or name.", nameof(name));
    }

    /// <summary>Deletes it with all it holds; a directory that is gone already is fine.</summary>
    public void Dispose()
    {
        Left.TryRemove(this, out _);
        try
        {
            Directory.Delete(FullPath, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // The code under test may have removed it.
        }
    }
}
