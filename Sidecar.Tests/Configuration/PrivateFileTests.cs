using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Listeners.Registration;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Configuration;

/// <summary>A file of secrets that somebody else could have written, or put there, is never used.</summary>
public sealed class PrivateFileTests
{
    private const uint Nobody = 65_534;

    private static readonly (string Name, Action<string> Load)[] Files =
    [
        ("the reply key file", static path => ReplyKeyFile.LoadOrCreate(path)),
        ("the secret file", static path => ListenerSecret.Load(path)),
        ("the token file", static path => AgentTokens.Load(path, ["waf"])),
    ];

    // Only root can give a file away.
    private static IEnumerable<string> NamesForRoot => Environment.IsPrivilegedProcess ? Names : [];

    private static IEnumerable<string> Names => Files.Select(static file => file.Name);

    [TestCaseSource(nameof(NamesForRoot))]
    public void FileOfAnotherUser_IsNeverUsed(string name)
    {
        using var directory = new TempDirectory();
        var path = Write(directory, name);
        Assert.That(Sidecar.Daemon.Listeners.NativeMethods.ChangeOwner(path, Nobody, Nobody), Is.Zero);

        Assert.That(() => Load(name, path), Throws.InstanceOf<IOException>().With.Message.StartsWith($"{name} {path} belongs to the user with the id {Nobody}, not to root")
            .And.Message.Contains("run: chown"));
    }

    [TestCaseSource(nameof(Names))]
    public void FileThatEverybodyMayReplace_IsNeverUsed(string name)
    {
        using var directory = new TempDirectory();
        var path = Write(directory, name);
        Assert.That(() => Load(name, path), Throws.Nothing);
        File.SetUnixFileMode(directory.FullPath, (UnixFileMode)Convert.ToInt32("1777", 8));
        Assert.That(() => Load(name, path), Throws.Nothing, "nobody can replace it");

        File.SetUnixFileMode(directory.FullPath, (UnixFileMode)Convert.ToInt32("777", 8));

        Assert.That(() => Load(name, path), Throws.InstanceOf<IOException>().With.Message.StartsWith($"{name} {path} lies in a directory with mode 0777").And.Message.Contains("run: chmod o-w"));
    }

    [TestCaseSource(nameof(Names))]
    public void FileThatOthersMayRead_IsNeverUsed(string name)
    {
        using var directory = new TempDirectory();
        var path = Write(directory, name);
        File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("644", 8));

        Assert.That(() => Load(name, path), Throws.InstanceOf<IOException>().With.Message.StartsWith($"{name} {path} has mode 0644"));
    }

    [TestCase(0u, 1000u, true)]
    [TestCase(1000u, 1000u, true)]
    [TestCase(0u, 0u, true)]
    [TestCase(1000u, 0u, false)]
    [TestCase(1001u, 1000u, false)]
    public void Owner_IsRootOrTheDaemonsOwnUser(uint owner, uint own, bool isFine) =>
        Assert.That(PrivateFile.OwnerProblem(owner, own), isFine ? Is.Null : Does.Contain($"{owner}"));

    private static void Load(string name, string path) => Files.Single(file => file.Name == name).Load(path);

    // 32 bytes, as many as a key has.
    private static string Write(TempDirectory directory, string name)
    {
        var path = directory.File("secret");
        File.WriteAllText(path, name == "the token file" ? "waf 0123456789abcdefghijklmnopqr" : "0123456789abcdefghijklmnopqrstuv");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }
}
