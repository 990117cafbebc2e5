using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReplyKeyFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string KeyPath => _directory.File("reply.key");

    public void Dispose() => _directory.Dispose();

    [Test]
    public void LoadOrCreate_NoFile_MakesOneForTheOwnerOnlyAndLeavesNothingElse()
    {
        var key = ReplyKeyFile.LoadOrCreate(KeyPath);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(File.ReadAllBytes(KeyPath), Is.EqualTo(key));
            Assert.That(key.Distinct().Count(), Is.GreaterThan(8));
            Assert.That(File.GetUnixFileMode(KeyPath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(Directory.GetFiles(_directory.FullPath), Has.Length.EqualTo(1));
        }
    }

    [Test]
    public void LoadOrCreate_AfterARestart_TokensOfBeforeAreStillGood()
    {
        var time = new FakeTimeProvider();
        var token = new ReplyTokens(ReplyKeyFile.LoadOrCreate(KeyPath), time).Issue(new Reply(403, [], default));

        var restarted = new ReplyTokens(ReplyKeyFile.LoadOrCreate(KeyPath), time);

        Assert.That(restarted.Read(token, out _), Is.EqualTo(ReplyTokenState.Valid));
    }

    [Test]
    public async Task LoadOrCreate_ManyAtOnce_AllGetOneKey()
    {
        var keys = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => Convert.ToHexString(ReplyKeyFile.LoadOrCreate(KeyPath)))));

        Assert.That(keys.Distinct().Count(), Is.EqualTo(1));
        Assert.That(Directory.GetFiles(_directory.FullPath), Has.Length.EqualTo(1));
    }

    [TestCase(0)]
    [TestCase(31)]
    [TestCase(33)]
    public void LoadOrCreate_WrongSize_SaysSo(int size)
    {
        File.WriteAllBytes(KeyPath, new byte[size]);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead);

        Assert.That(
            () => ReplyKeyFile.LoadOrCreate(KeyPath), Throws.TypeOf<IOException>().With.Message.Contains(KeyPath).And.Message.Contains($"{size} bytes"));
    }

    [TestCase(UnixFileMode.OtherRead)]
    [TestCase(UnixFileMode.OtherWrite)]
    [TestCase(UnixFileMode.GroupWrite)]
    public void LoadOrCreate_OpenToOthers_SaysSo(UnixFileMode more)
    {
        ReplyKeyFile.LoadOrCreate(KeyPath);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | more);

        Assert.That(() => ReplyKeyFile.LoadOrCreate(KeyPath), Throws.TypeOf<IOException>().With.Message.Contains("chmod 600"));
    }

    [Test]
    public void LoadOrCreate_NoDirectory_SaysSo() =>
        Assert.That(() => ReplyKeyFile.LoadOrCreate(_directory.File("none/reply.key")), Throws.InstanceOf<IOException>().With.Message.Contains("none"));
}
