using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed class TempDirectoryTests
{
    [Test]
    public void Directory_IsPrivateAndEmptyAndGoneAfterDispose()
    {
        using var directory = new TempDirectory();
        using var other = new TempDirectory();
        Assert.That(directory.FullPath, Is.Not.EqualTo(other.FullPath));
        Assert.That(Directory.GetFileSystemEntries(directory.FullPath), Is.Empty);
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.That(File.GetUnixFileMode(directory.FullPath), Is.EqualTo(Private));

        File.WriteAllText(directory.File("f"), "x");
        directory.Dispose();
        Assert.That(Directory.Exists(directory.FullPath), Is.False);
    }

    [Test]
    public void SocketPath_IsShortOrRefused()
    {
        using var directory = new TempDirectory();
        Assert.That(directory.Socket("agent.sock"), Is.EqualTo(Path.Combine(directory.FullPath, "agent.sock")));
        Assert.That(() => directory.Socket(new string('s', 100)), Throws.ArgumentException.With.Message.Contains("below 100"));
    }
}
