using NUnit.Framework;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Cli;

/// <summary><c>sidecar config</c> prints what it says.</summary>
internal sealed class ConfigCommandTests
{
    [Test]
    public async Task Show_SaysWhereEachValueComesFrom()
    {
        using var directory = new TempDirectory();
        var file = directory.File("sidecar.yaml");
        await File.WriteAllTextAsync(file, "version: 1\nlisteners: {n: {for: native, socket: n}}\nagents: {waf: {at: w.sock, timeout: 9ms}}\n");

        var (code, output, errors) = await RunAsync("show", "--origin", "-c", file, "--queue", "5");

        Assert.That((code, errors), Is.EqualTo((ExitCodes.Ok, "")));
        Assert.That(output.Split('\n'), Is.SupersetOf(new[]
        {
            "    queue: 5  # --queue", $"  n:  # {file}:2:13", $"    socket: {directory.File("n")}", $"    timeout: 9ms  # {file}:3:37",
        }));
    }

    [Test]
    public async Task Show_WithoutOrigins_IsAFile()
    {
        var (code, output, _) = await RunAsync("show", "--agent", "waf=/w.sock", "--listen", "native=/n.sock");
        Assert.That((code, output), Is.EqualTo((
            ExitCodes.Ok, "version: 1\nlisteners:\n  \"native:n.sock\":\n    for: native\n    socket: /n.sock\nagents:\n  waf:\n    at: [/w.sock]\n")));
        Assert.That(Configuration.Files.ConfigurationText.Read(output).Errors, Is.Empty);
    }

    [Test]
    public async Task FromFlags_PrintsTheFile_OrSaysWhatIsWrong()
    {
        var good = await RunAsync("from-flags", "--agent", "waf=/w.sock", "--listen", "http=/n.sock,proxy=nginx", "--timeout", "10ms");
        var bad = await RunAsync("from-flags", "--agent", "waf", "--timeout", "10");
        Assert.That(good.Output, Does.StartWith("version: 1\ndefaults:\n  timeout: 10ms\nlisteners:\n  nginx:\n    for: nginx\n"));
        Assert.That((bad.Code, bad.Output), Is.EqualTo((ExitCodes.WrongUse, "")));
        Assert.That(bad.Errors, Does.Contain("sidecar: --timeout: 10 is not a duration").And.Contain("sidecar: --agent waf: write id=endpoint"));
    }

    [Test]
    public async Task Example_IsTheOneNamed()
    {
        Assert.That(await RunAsync("example", "nginx"), Is.EqualTo((ExitCodes.Ok, ConfigurationExamples.Find("nginx")!, "")));
        Assert.That(await RunAsync("example"), Is.EqualTo((ExitCodes.Ok, ConfigurationExamples.Find("minimal")!, "")));
        var (code, _, errors) = await RunAsync("example", "ngnix");
        Assert.That((code, errors), Is.EqualTo((
            ExitCodes.WrongUse, "sidecar: there is no example ngnix; there are caddy, envoy, haproxy, minimal, nginx, traefik; did you mean nginx?\n")));
    }

    [Test]
    public async Task Schema_IsPrinted() => Assert.That((await RunAsync("schema")).Output, Is.EqualTo(ConfigurationSchema.Write()));

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var result = ConfigCommand.Create(output, errors).Parse(arguments);
        Assert.That(result.Errors, Is.Empty);
        return (await result.InvokeAsync(), output.ToString(), errors.ToString());
    }
}
