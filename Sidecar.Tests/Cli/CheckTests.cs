using NUnit.Framework;
using Sidecar.Daemon.Cli;

namespace Sidecar.Tests.Cli;

/// <summary><c>sidecar run --check</c> refuses what would fall open or fall over, in one line for each mistake; a start refuses the same.</summary>
internal sealed class CheckTests
{
    private static readonly string[] Good = ["--agent", "waf=/run/waf.sock", "--listen", "http=/run/h.sock,proxy=nginx"];

    [TestCase("--route", "api,path=/api,agents=waf")]
    [TestCase("--route", "api,host=a.example+b.example,agents=none", "--unmatched", "refuse")]
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
    [TestCase("--unmatched", "pass", "--unmatched pass is about requests that no --route takes; without a --route every request goes to every agent")]
    [TestCase("--unmatched", "open", "write refuse, pass, or inspect:A+B")]
    public async Task WhatFallsOpenOrOver_IsRefusedInOneLine(string flag, string value, string expected)
    {
        var (code, text) = await CheckAsync([.. Good, flag, value]);
        Assert.That(code, Is.EqualTo(ExitCodes.WrongUse));
        Assert.That(text, Does.Match(@"\Asidecar: [^\n]+\n\z").And.Contain(expected));
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
