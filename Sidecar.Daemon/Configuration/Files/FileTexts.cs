using System.IO.Enumeration;
using System.Text;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Where the files of a configuration are read: the file system, or texts that were kept of it. Safe from any thread.</summary>
internal interface IFileTexts
{
    /// <summary>The bytes of a file, at most one more than a document may have.</summary>
    /// <exception cref="IOException">It cannot be read; the message names it and says why.</exception>
    byte[] Read(string path);

    /// <summary>
    /// The files of a directory whose names match, with <c>*</c> and <c>?</c>, but for those that begin with a dot, as what editors leave
    /// beside a file does; whole paths in any order.
    /// </summary>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor may it.</exception>
    IEnumerable<string> Find(string folder, string name);

    /// <summary>Whether reading it may never end.</summary>
    bool IsEndless(string path) => false;

    /// <summary>Whether a file's name matches.</summary>
    static bool Matches(string path, string name) => Path.GetFileName(path) is not ['.', ..] and var file
        && FileSystemName.MatchesSimpleExpression(name, file, ignoreCase: false);
}

/// <summary>Texts that were kept.</summary>
/// <param name="texts">All there are.</param>
internal sealed class KeptTexts(IReadOnlyList<FileText> texts) : IFileTexts
{
    public byte[] Read(string path) => texts.FirstOrDefault(text => text.Path == Path.GetFullPath(path)) is { } kept
        ? Encoding.UTF8.GetBytes(kept.Text)
        : throw new IOException($"{path} was not kept");

    public IEnumerable<string> Find(string folder, string name) => texts.Select(static text => text.Path).Where(
        path => Path.GetDirectoryName(path) == folder && IFileTexts.Matches(path, name));
}

/// <summary>The file system.</summary>
internal sealed class DiskTexts : IFileTexts
{
    /// <summary>All of it.</summary>
    public static readonly DiskTexts All = new();

    public IEnumerable<string> Find(string folder, string name) =>
        Directory.EnumerateFiles(folder).Where(path => IFileTexts.Matches(path, name));

    public bool IsEndless(string path) => FileCalls.IsEndless(path);

    public byte[] Read(string path)
    {
        try
        {
            // Not by the length that it states: it may be a pipe, or grow while it is read.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            var text = new byte[DocumentReader.MaxBytes + 1];
            return text[..file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException($"there is no file {path}; 'sidecar config example' prints one to begin with", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(
                Directory.Exists(path) ? $"{path} is a directory; name a file" : $"{path} may not be read by this user; look at its mode and owner",
                e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
