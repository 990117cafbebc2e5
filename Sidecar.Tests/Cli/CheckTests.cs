using NUnit.Framework;
using Sidecar.Daemon.Cli;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Cli;

/// <summary><c>sidecar run --check</c> refuses what would fall open or fall over, in one line for each mistake; a start refuses the same.</summary>
internal sealed class CheckTests
{
    private static readonly string[] Good = ["--agent", "waf=/run/waf.sock", "--listen", "native=/run/n.sock"];

    [TestCase("--route", "api,path=/api,agents=waf")]
    [TestCase("--route", "api,host=a.example+b.example,agents=waf", "--unmatched", "refuse")]
    [TestCase("--route", "api,agents=waf", "--unmatched", "pass")]
    [TestCase("--route", "api,agents=none", "--unmatched", "inspect:waf:monitor")]
    [TestCase]
    public async Task WhatTheOperatorSaid_IsFine(params string[] flags) =>
        Assert.That(await CheckAsync([.. Good, .. flags]), Is.EqualTo((ExitCodes.Ok, "")));

    [TestCase("--route", "api,path=/api", "whom it asks: write agents=A+B, or agents=none")]
    [TestCase("--route", "api,agents=waf>", "names an agent without a name")]
    [TestCase("--agent", "", "write id=endpoint")]
    [TestCase("--agent", "=/run/waf.sock", "write id=endpoint")]
    [TestCase("--agent", "bot=", "write id=endpoint")]
    [TestCase("--agent", "bot=bot.sock", "the path 'bot.sock' is relative")]
    [TestCase("--listen", "http=relative.sock,proxy=nginx", "the path 'relative.sock' is relative")]
    [TestCase("--listen", "spop=relative.sock", "the path 'relative.sock' is relative")]
    [TestCase("--listen", "native=", "the path of the socket is empty")]
    [TestCase("--unmatched", "pass", "unmatched (pass) is about requests that no route takes; without a route every request goes to every agent")]
    [TestCase("--unmatched", "open", "write refuse, pass, or inspect:A+B")]
    public async Task WhatFallsOpenOrOver_IsRefusedInOneLine(string flag, string value, string expected)
    {
        var (code, text) = await CheckAsync([.. Good, flag, value]);
        Assert.That(code, Is.EqualTo(ExitCodes.WrongUse));
        Assert.That(text, Does.Match(@"\Asidecar: [^\n]+\n\z").And.Contain(expected));
    }

    [TestCase("http=127.0.0.1:0,proxy=traefik,secret-file={0}", "the secret file {0} has mode 0644")]
    [TestCase("envoy=127.0.0.1:0,secret-file={0}", "the secret file {0} has mode 0644")]
    [TestCase("reverse={1}/r,token-file={0}", "the token file {0} has mode 0644")]
    [TestCase("http={1}/no/h,proxy=caddy", "there is no directory {1}/no")]
    [TestCase("reverse={1}/r,token-file={1}/none", "cannot use the token file {1}/none")]
    public async Task FileWithWhichAStartIsRefused_IsNamed(string listener, string expected)
    {
        using var directory = new TempDirectory();
        var file = directory.File("secret");
        await File.WriteAllTextAsync(file, "waf 0123456789abcdefghijklmnop");
        File.SetUnixFileMode(file, (UnixFileMode)Convert.ToInt32("644", 8));
        string Filled(string text) => text.Replace("{0}", file, StringComparison.Ordinal).Replace("{1}", directory.FullPath, StringComparison.Ordinal);
        string[] flags = ["--agent", "waf=reverse:", "--listen", Filled(listener)];
        string[] letsIn = listener.StartsWith("reverse=", StringComparison.Ordinal) ? [] : ["--listen", $"reverse={directory.Socket("in")}"];

        var (code, text) = await CheckAsync([.. flags, .. letsIn]);

        Assert.That(code, Is.EqualTo(ExitCodes.Failed), "as the start");
        Assert.That(text, Does.Match(@"\Asidecar: [^\n]+\n\z").And.Contain(Filled(expected)));
    }

    [Test]
    public async Task Check_ReadsTheReplyKeyAndMakesNone()
    {
        using var directory = new TempDirectory();
        string[] flags = ["--agent", "waf=/run/waf.sock", "--listen", $"http={directory.Socket("h")},proxy=nginx"];

        var none = await CheckAsync(flags);
        var made = File.Exists(directory.Socket("h") + ".key");
        await File.WriteAllTextAsync(directory.Socket("h") + ".key", "short");
        File.SetUnixFileMode(directory.Socket("h") + ".key", UnixFileMode.UserRead);
        var broken = await CheckAsync(flags);

        Assert.That((none, made), Is.EqualTo(((ExitCodes.Ok, ""), false)));
        Assert.That(broken.Code, Is.EqualTo(ExitCodes.Failed));
        Assert.That(broken.Text, Does.Contain("has 5 bytes; it must have 32"));
    }

    [TestCase("--agent")]
    [TestCase("--route")]
    [TestCase("--listen")]
    public void FlagWithoutValue_IsAnError(string flag)
    {
        var result = RunCommand.Create(TextWriter.Null).Parse([flag, .. Good]);
        Assert.That(result.Errors.Select(static error => error.Message), Has.Exactly(1).Contains(flag));
    }

    private static async Task<(int Code, string Text)> CheckAsync(IReadOnlyList<string> flags)
    {
        using var errors = new StringWriter { NewLine = "\n" };
        var result = RunCommand.Create(errors).Parse([.. flags, "--check"]);
        Assert.That(result.Errors, Is.Empty);
        return (await result.InvokeAsync(), errors.ToString());
    }
}
