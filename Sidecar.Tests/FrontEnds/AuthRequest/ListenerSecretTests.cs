using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>The file of a listener's secret: one that cannot be used, or that others can read, is refused with a reason.</summary>
internal sealed class ListenerSecretTests
{
    [TestCase("0123456789abcde", "15 characters")]
    [TestCase("0123456789abcde\n \r\n", "15 characters")]
    [TestCase("", "0 characters")]
    [TestCase("0123456789abcde f", "visible ASCII")]
    [TestCase("0123456789abcdef\u00e4", "visible ASCII")]
    public void SecretFile_ThatCannotBeUsed_SaysWhy(string content, string reason)
    {
        using var directory = new TempDirectory();
        Write(directory.File("secret"), content);

        Assert.That(
            () => ListenerSecret.Load(directory.File("secret")),
            Throws.InstanceOf<IOException>().With.Message.Contains(reason).And.Message.Contains(directory.File("secret")));
    }

    [Test]
    public void SecretFile_TooLongMissingOrReadableByOthers_SaysWhatToDo()
    {
        using var directory = new TempDirectory();
        var path = directory.File("secret");
        Assert.That(
            () => ListenerSecret.Load(path),
            Throws.InstanceOf<IOException>().With.Message.Contains("there is no secret file").And.Message.Contains("base64 >"));

        Write(path, new string('a', 1024) + "\r\n");
        Assert.That(() => ListenerSecret.Load(path), Throws.Nothing);
        Write(path, new string('a', 1025));
        Assert.That(() => ListenerSecret.Load(path), Throws.InstanceOf<IOException>().With.Message.Contains("more than 1024"));

        Write(path, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.That(() => ListenerSecret.Load(path), Throws.Nothing);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.That(() => ListenerSecret.Load(path), Throws.InstanceOf<IOException>().With.Message.Contains("mode 0404").And.Message.Contains("chmod"));
    }

    private static void Write(string path, string content)
    {
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
