using NUnit.Framework;
using Sidecar.Daemon.Cli;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Cli;

/// <summary><c>sidecar check</c> says of a file what a start would say, and what it found valid.</summary>
internal sealed class CheckCommandTests
{
    [Test]
    public async Task ValidFile_IsSaidToBeValid_WithWhatIsInIt()
    {
        using var directory = new TempDirectory();
        var file = Write(directory, """
            version: 1
            listeners: {n: {for: native, socket: n}, a: {for: admin, socket: a}}
            agents: {waf: {at: w.sock}}
            routes: [{name: all, match: any, inspect: waf}, {name: late, match: any, inspect: none}]
            """);

        var checkedBy = await RunAsync(CheckCommand.Create, file);
        var run = await RunAsync(RunCommand.Create, "-c", file, "--check");

        Assert.That((checkedBy.Code, checkedBy.Output), Is.EqualTo((ExitCodes.Ok, $"{file} is valid: 2 listeners, 1 agent, 2 routes\n")));
        Assert.That(checkedBy.Errors, Does.Match($@"\A{file}:4:49: warning: route late is never reached[^\n]+\n\z"));
        Assert.That(run, Is.EqualTo(checkedBy));
    }

    [Test]
    public async Task InvalidFile_IsRefusedWithEveryMistake()
    {
        using var directory = new TempDirectory();
        var file = Write(directory, "version: 1\nlisteners: {n: {for: natve, socket: /n}}\nagents: {waf: {at: /w, timout: 1s}}\n");

        var (code, output, errors) = await RunAsync(CheckCommand.Create, file);

        Assert.That((code, output), Is.EqualTo((ExitCodes.WrongUse, "")));
        Assert.That(errors.Split('\n'), Has.Length.EqualTo(3));
        Assert.That(errors, Does.StartWith($"{file}:2:22: for: natve is none of ").And.Contain($"\n{file}:3:24: 'timout' is none of the keys here; did you mean timeout?\n"));
    }

    [Test]
    public async Task WhatTheStartWouldRefuse_IsRefused()
    {
        using var directory = new TempDirectory();
        var file = Write(directory, "version: 1\nlisteners: {n: {for: native, socket: no/n.sock}}\nagents: {waf: {at: waf.sock}}\n");

        var (code, output, errors) = await RunAsync(CheckCommand.Create, file);

        Assert.That((code, output), Is.EqualTo((ExitCodes.Failed, "")));
        Assert.That(errors, Does.StartWith($"sidecar: cannot listen on {directory.File("no/n.sock")}: there is no directory {directory.File("no")}"));
    }

    [Test]
    public async Task Check_MakesNoReplyKey()
    {
        using var directory = new TempDirectory();
        var file = Write(directory, "version: 1\nlisteners: {n: {for: nginx, socket: h.sock}}\nagents: {waf: {at: waf.sock}}\n");
        Assert.That((await RunAsync(CheckCommand.Create, file)).Code, Is.EqualTo(ExitCodes.Ok));
        Assert.That(Directory.GetFiles(directory.FullPath), Is.EqualTo(new[] { file }), "it would belong to whoever checks");
    }

    [Test]
    public async Task AbsentFile_IsOneLine()
    {
        using var directory = new TempDirectory();
        var (code, _, errors) = await RunAsync(CheckCommand.Create, directory.File("none.yaml"));
        Assert.That(code, Is.EqualTo(ExitCodes.WrongUse));
        Assert.That(errors, Is.EqualTo($"sidecar: there is no file {directory.File("none.yaml")}; 'sidecar config example' prints one to begin with\n"));
    }

    [Test]
    public async Task CommandLine_IsSaidToBeValidToo()
    {
        using var directory = new TempDirectory();
        var run = await RunAsync(RunCommand.Create, "--check", "--agent", $"waf={directory.Socket("w")}", "--listen", $"native={directory.Socket("n")}");
        Assert.That(run, Is.EqualTo((ExitCodes.Ok, "the command line is valid: 1 listener, 1 agent, 0 routes\n", "")));
    }

    private static string Write(TempDirectory directory, string text)
    {
        var file = directory.File("sidecar.yaml");
        File.WriteAllText(file, text);
        return file;
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(
        Func<TextWriter, TextWriter, System.CommandLine.Command> create, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var result = create(output, errors).Parse(arguments);
        Assert.That(result.Errors, Is.Empty);
        return (await result.InvokeAsync(), output.ToString(), errors.ToString());
    }
}
