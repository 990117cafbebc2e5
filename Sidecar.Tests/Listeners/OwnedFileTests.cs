using NUnit.Framework;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class OwnedFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string[] Names =>
        [.. Directory.GetFileSystemEntries(_directory.FullPath).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    public void Dispose() => _directory.Dispose();

    [Test]
    public void Remove_SameFileWithOtherMode_IsRemoved()
    {
        var path = Create("a");
        var identity = FileIdentity.Read(path)!.Value;
        File.SetUnixFileMode(path, UnixFileMode.UserRead);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(OwnedFile.Remove(path, identity), Is.True);
            Assert.That(Names, Is.Empty);
        }
    }

    [Test]
    public void Remove_AnotherFileTookThePath_Stays()
    {
        var path = Create("a");
        var identity = FileIdentity.Read(path)!.Value;
        File.Move(Create("b"), path, overwrite: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(OwnedFile.Remove(path, identity), Is.False);
            Assert.That(File.ReadAllText(path), Is.EqualTo("b"));
        }
    }

    [Test]
    public void Remove_NothingThere_IsFalse()
    {
        var path = Create("a");
        var identity = FileIdentity.Read(path)!.Value;
        File.Delete(path);

        Assert.That(OwnedFile.Remove(path, identity), Is.False);
    }

    [Test]
    public void Read_SymbolicLink_IsTheLinkItself()
    {
        var target = Create("a");
        File.CreateSymbolicLink(_directory.File("l"), target);

        Assert.That(FileIdentity.Read(_directory.File("l"))!.Value.IsSameFile(FileIdentity.Read(target)!.Value), Is.False);
    }

    private string Create(string name)
    {
        File.WriteAllText(_directory.File(name), name);
        return _directory.File(name);
    }
}
