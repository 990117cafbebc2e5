using System.Security.Cryptography;
using Mono.Cecil;
using NUnit.Framework;
using Sidecar.Daemon.Listeners.Registration;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners.Registration;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AgentTokensTests : IDisposable
{
    private const string Waf = "waf-token-0123456789";
    private const string Bot = "bot-token-0123456789";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempDirectory _directory = new();

    [TearDown]
    public void Dispose() => _directory.Dispose();

    [TestCase("waf", Waf, true)]
    [TestCase("waf", "waf-next-0123456789", true, Description = "a second token, for replacing the first")]
    [TestCase("bot", Bot, true)]
    [TestCase("waf", Bot, false, Description = "the right token of another agent (spec §8)")]
    [TestCase("waf", "", false)]
    [TestCase("waf", "waf-token-012345678", false)]
    [TestCase("waf", Waf + " ", false)]
    [TestCase("WAF", Waf, false)]
    [TestCase("other", Waf, false)]
    public void Token_IsBoundToItsAgent(string agent, string token, bool expected)
    {
        var tokens = Load($"# tokens\r\n\nwaf {Waf}\r\n  bot\t{Bot}  \nwaf waf-next-0123456789");
        Assert.That(tokens.IsValid(agent, token), Is.EqualTo(expected));
    }

    [Test]
    public void Tokens_AreComparedInConstantTime()
    {
        using var module = ModuleDefinition.ReadModule(typeof(AgentTokens).Assembly.Location);
        var method = module.GetType(typeof(AgentTokens).FullName).Methods.Single(static method => method.Name == nameof(AgentTokens.IsValid));
        var used = method.Body.Instructions.Select(static instruction => instruction.Operand).OfType<MemberReference>().Select(static member => member.Name)
            .ToList();
        Assert.That(used, Does.Contain(nameof(CryptographicOperations.FixedTimeEquals)));
        string[] stopAtTheFirstDifference = ["SequenceEqual", "Equals", "op_Equality", "Contains", "IndexOf", "Any"];
        Assert.That(used.Intersect(stopAtTheFirstDifference), Is.Empty);
    }

    [TestCase("waf", "line 1: 1 words")]
    [TestCase("\nwaf two tokens-0123456789", "line 2: 3 words")]
    [TestCase("waf short-0123", "the token of agent waf has 10 bytes; the least is 16")]
    [TestCase("bot " + Bot, "no token for agent waf")]
    public void BadFile_IsRefused_WithoutShowingAToken(string text, string expected)
    {
        var error = Assert.Throws<IOException>(() => Load(text))!;
        Assert.That(error.Message, Does.Contain(expected).And.Contain(_directory.File("tokens")));
        Assert.That(error.Message, Does.Not.Contain("0123"));
    }

    [TestCase(UnixFileMode.OtherRead, "0604")]
    [TestCase(UnixFileMode.OtherWrite, "0602")]
    [TestCase(UnixFileMode.GroupWrite, "0620")]
    public void FileThatOthersMayReadOrChange_IsRefused(UnixFileMode also, string shown) =>
        Assert.That(() => Load($"waf {Waf}", Private | also), Throws.InstanceOf<IOException>().With.Message.Contains($"has mode {shown}").And.Message.Contains("chmod 600"));

    [Test]
    public void FileOfTheGroup_MayBeReadByIt() =>
        Assert.That(Load($"waf {Waf}", Private | UnixFileMode.GroupRead).IsValid("waf", Waf), Is.True);

    [Test]
    public void FileThatIsMissingOrBinaryOrHuge_IsRefused()
    {
        Assert.That(() => AgentTokens.Load(_directory.File("none"), []), Throws.InstanceOf<IOException>().With.Message.Contains("cannot use the token file"));
        var binary = Write([0xFF, 0xFE, 0x80], Private);
        Assert.That(() => AgentTokens.Load(binary, []), Throws.InstanceOf<IOException>().With.Message.Contains("cannot use the token file"));
        var huge = Write(new byte[(1024 * 1024) + 1], Private);
        Assert.That(() => AgentTokens.Load(huge, []), Throws.InstanceOf<IOException>().With.Message.Contains("1048577 bytes; the limit is 1048576"));
    }

    private AgentTokens Load(string text, UnixFileMode mode = Private) =>
        AgentTokens.Load(Write(System.Text.Encoding.UTF8.GetBytes(text), mode), ["waf"]);

    private string Write(byte[] bytes, UnixFileMode mode)
    {
        var path = _directory.File("tokens");
        File.WriteAllBytes(path, bytes);
        File.SetUnixFileMode(path, mode);
        return path;
    }
}
