using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The configuration of a daemon as a process: <c>sidecar reload</c>, a watched directory, and starts on the last good one.</summary>
[Category("EndToEnd")]
internal sealed class ReloadTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Test]
    public async Task Reload_DoesWhatTheFileSays_OrSaysEverythingThatIsWrong()
    {
        using var files = new TempDirectory();
        var (file, admin) = (files.File("sidecar.yaml"), files.Socket("admin"));
        await File.WriteAllTextAsync(file, Site(files));
        await using var daemon = await SidecarCommand.StartDaemonAsync("-c", file);

        var same = await RunAsync("reload", "--admin", admin);
        await File.WriteAllTextAsync(file, Site(files, "limits: {exchanges: 7}", $"more: {{for: native, socket: {files.Socket("more")}}}"));
        var tried = await RunAsync("reload", "--dry-run", "--admin", admin);
        var isThere = File.Exists(files.Socket("more"));
        var done = await RunAsync("reload", "--wait", "--admin", admin);
        await File.WriteAllTextAsync(file, Site(files, "limits: {exchange: 7}\nprocess: {drain_timeout: 7}"));
        var bad = await RunAsync("reload", "--admin", admin);
        var status = await RunAsync("status", "--admin", admin);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(same, Is.EqualTo((0, "nothing has changed: model 1 stays")));
            Assert.That(tried.Code, Is.Zero);
            Assert.That(tried.Text, Does.StartWith("would be applied\n").And.Contain("listeners: added more, 2 unchanged").And.Contain("settings: changed max-exchanges"));
            Assert.That(isThere, Is.False);
            Assert.That(done.Code, Is.Zero, done.Text);
            Assert.That(done.Text, Does.StartWith("model 2 counts from now on\n"));
            Assert.That(File.Exists(files.Socket("more")), Is.True);
            Assert.That(bad.Code, Is.EqualTo(1));
            Assert.That(bad.Text.Split('\n'), Has.Length.EqualTo(3).And.All.StartsWith("sidecar: ").And.One.EqualTo("sidecar: model 2 stays as it is"));
            Assert.That(bad.Text, Does.Contain($"{file}:").And.Contain("drain_timeout"));
            Assert.That(status.Text, Does.Contain($"\nconfiguration {file}, model 2, read at ").And.Match("(?m)^! the reload of .* was refused, model 2 stays: "));
        }

        Assert.That(await daemon.StopAsync(), Is.Zero);
        Assert.That((await RunAsync("reload", "--admin", admin)).Code, Is.EqualTo(3));
    }

    [Test]
    public async Task ADaemonFromFlagsAlone_SaysThatThereIsNoFile()
    {
        using var files = new TempDirectory();
        await using var daemon = await SidecarCommand.StartDaemonAsync("--listen", $"admin={files.Socket("admin")}");
        var reload = await RunAsync("reload", "--admin", files.Socket("admin"));
        Assert.That(reload.Code, Is.EqualTo(1));
        Assert.That(reload.Text, Does.StartWith("sidecar: there is no file to reload: the daemon was started from flags alone"));
    }

    [Test]
    public async Task AWatchedDirectory_IsFollowed_AsItsSymlinkIsTurned()
    {
        using var files = new TempDirectory();
        var link = files.File("current");
        for (var version = 1; version <= 3; version++)
        {
            Directory.CreateDirectory(Path.Combine(files.File($"v{version}"), "conf.d"));
            await File.WriteAllTextAsync(
                Path.Combine(files.File($"v{version}"), "sidecar.yaml"),
                Site(files, "include: [conf.d/*.yaml]\nprocess: {config_watch: 200ms}"));
            await File.WriteAllTextAsync(
                Path.Combine(files.File($"v{version}"), "conf.d", "more.yaml"),
                version == 2 ? "version: 1\nroutes: what\n" : $"version: 1\nroutes:\n- {{name: v{version}, match: any, inspect: none}}\n");
        }

        File.CreateSymbolicLink(link, "v1");
        await using var daemon = await SidecarCommand.StartDaemonAsync("-c", Path.Combine(link, "sidecar.yaml"));
        await TurnAsync(link, "v2");
        await daemon.WaitForAsync("reload (watch) is refused and model 1 stays: ");
        await TurnAsync(link, "v3");
        await daemon.WaitForAsync("reload (watch): model 2 counts; routes added v3, removed v1");
        Assert.That(await daemon.StopAsync(), Is.Zero);
        Assert.That(daemon.Output.Split('\n').Count(static line => line.Contains("is refused", StringComparison.Ordinal)), Is.EqualTo(1), "said once");
    }

    [Test]
    public async Task AStartWhoseFileIsBroken_UsesTheLastGoodOne_AndSaysSoUntilItIsRepaired()
    {
        using var files = new TempDirectory();
        var (file, admin, state) = (files.File("sidecar.yaml"), files.Socket("admin"), files.File("state"));
        Directory.CreateDirectory(state);
        Directory.CreateDirectory(files.File("conf.d"));
        await File.WriteAllTextAsync(file, Site(files, "include: [conf.d/*.yaml]"));
        await File.WriteAllTextAsync(Path.Combine(files.File("conf.d"), "a.yaml"), "version: 1\nroutes:\n- {name: kept, match: any, inspect: none}\n");
        await using (var first = await StartAsync(state, "-c", file))
        {
            await Eventually.TrueAsync(() => File.Exists(Path.Combine(state, "last-good.json")), Limit, "the last good one");
            Assert.That(await first.StopAsync(), Is.Zero);
        }

        await File.WriteAllTextAsync(Path.Combine(files.File("conf.d"), "a.yaml"), "version: 1\nroutes: what\n");
        await using (var strict = Start(state, "-c", file, "--boot", "strict"))
        {
            Assert.That(await strict.WaitForExitAsync(), Is.EqualTo(2));
        }

        await using var second = await StartAsync(state, "-c", file);
        Assert.That(second.Output, Does.Contain($"the configuration {file} cannot be used; the last good one counts until it can be: "));
        Assert.That((await RunAsync("status", "--admin", admin)).Text, Does.Match("(?m)^! the daemon runs on its last good configuration, not on .*a.yaml:"));
        Assert.That(await AdminMetrics.SumAsync(admin, "sidecar_config_last_good"), Is.EqualTo(1));
        await File.WriteAllTextAsync(Path.Combine(files.File("conf.d"), "a.yaml"), "version: 1\nroutes:\n- {name: mended, match: any, inspect: none}\n");
        Assert.That((await RunAsync("reload", "--admin", admin)).Text, Does.Contain("routes: added mended, removed kept, 0 unchanged"));
        Assert.That(await AdminMetrics.SumAsync(admin, "sidecar_config_last_good"), Is.Zero);
        Assert.That(await second.StopAsync(), Is.Zero);
    }

    [Test]
    public async Task AStateDirectoryThatIsFull_IsSaidOnce_AndTheDaemonServes()
    {
        using var files = new TempDirectory();
        var file = files.File("sidecar.yaml");
        await File.WriteAllTextAsync(file, Site(files));

        // A directory where no file can be made, whoever asks.
        await using var daemon = await StartAsync("/proc/self", "-c", file);
        await daemon.WaitForAsync("the configuration is not kept in /proc/self for a start whose own cannot be used");
        await File.WriteAllTextAsync(file, Site(files, "limits: {exchanges: 7}"));
        Assert.That((await RunAsync("reload", "--admin", files.Socket("admin"))).Code, Is.Zero);
        Assert.That(await daemon.StopAsync(), Is.Zero);
        Assert.That(daemon.Output.Split('\n').Count(static line => line.Contains("is not kept", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    private static string Site(TempDirectory files, string more = "", string listener = "") => $$"""
        version: 1
        listeners:
          admin: {for: admin, socket: {{files.Socket("admin")}}}
          native: {for: native, socket: {{files.Socket("native")}}}
          {{listener}}
        agents:
          demo: {at: "unix:{{files.Socket("agent")}}"}
        {{more}}

        """;

    private static Task TurnAsync(string link, string target)
    {
        // As kubelet does it: another link is renamed over it.
        return Run("/bin/bash", "-c", $"ln -s {target} {link}.new && mv -T {link}.new {link}");

        static async Task Run(string program, params string[] arguments)
        {
            await using var process = ChildProcess.Start(program, arguments);
            Assert.That(await process.WaitForExitAsync(), Is.Zero, process.Output);
        }
    }

    private static ChildProcess Start(string state, params string[] arguments) =>
        ChildProcess.Start("/usr/bin/env", [$"STATE_DIRECTORY={state}", .. SidecarCommand.Line(["run", .. arguments])]);

    private static async Task<ChildProcess> StartAsync(string state, params string[] arguments)
    {
        var daemon = Start(state, arguments);
        await daemon.WaitForAsync("is up");
        return daemon;
    }

    private static async Task<(int Code, string Text)> RunAsync(params string[] arguments)
    {
        await using var command = SidecarCommand.Start(arguments);
        return (await command.WaitForExitAsync(), command.Output);
    }
}
