using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary><c>sidecar status</c> and <c>sidecar agents</c> as operators use them: processes, sockets, exit codes.</summary>
[Category("EndToEnd")]
internal sealed class AdminCommandTests
{
    [Test]
    public async Task StatusAgentsAndPush_WorkOnARunningDaemon()
    {
        using var directory = new TempDirectory();
        var (admin, file) = (directory.Socket("admin"), directory.File("waf.json"));
        await File.WriteAllTextAsync(file, "{\"level\":1}");
        await using var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"));
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"waf={directory.Socket("agent")},config-file={file}", "--agent", $"bot={directory.Socket("nobody")}",
            "--listen", $"native={directory.Socket("native")}", "--listen", $"admin={admin}");
        await daemon.WaitForAsync("agent waf is reachable");
        await Eventually.TrueAsync(
            async () => await AdminMetrics.SumAsync(admin, "sidecar_agent_connections", "agent=\"waf\"") == 4, TimeSpan.FromSeconds(60),
            "all four connections");

        var status = await RunAsync("status", "--admin", admin);
        var agents = await RunAsync("agents", "--admin", admin);
        var sessions = await RunAsync("sessions", "--admin", admin);
        var listed = await RunAsync("sessions", "list", "waf", "--admin", admin);
        var cleared = await RunAsync("sessions", "clear", "waf", "--admin", admin);
        var nobodys = await RunAsync("sessions", "clear", "nobody", "--admin", admin);
        var json = await RunAsync("agents", "--admin", admin, "--json");
        await File.WriteAllTextAsync(file, "{\"level\":2}");
        var pushed = await RunAsync("agents", "push", "waf", "--admin", admin);
        var own = await RunAsync("agents", "push", "waf", "--file", file, "--admin", admin);
        var unknown = await RunAsync("agents", "push", "nobody", "--admin", admin);
        await File.WriteAllTextAsync(file, "{");
        var broken = await RunAsync("agents", "push", "waf", "--admin", admin);
        var removed = await RunAsync("agents", "remove", "bot", "--admin", admin);
        var gone = await RunAsync("agents", "remove", "bot", "--admin", admin);
        var after = await RunAsync("status", "--admin", admin);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(status.Code, Is.Zero);
            Assert.That(status.Text, Does.StartWith("sidecar ").And.Match("(?m)^! agent bot is .*; what it should inspect is refused$").And.Match(
                "(?m)^waf +available +enforce +4 "));
            Assert.That(agents.Code, Is.Zero);
            Assert.That(agents.Text, Does.Match("(?m)^  waf-[0-9]+ +open +native +msgpack +thread +0/").And.Contain("bot: no connection; it is looked for at "));
            Assert.That(sessions.Text, Does.StartWith("LISTENER ").And.Match("(?m)^waf +0 +50000 +0 +0 +0 +0$"));
            Assert.That(listed.Text, Does.Match("(?m)^waf +0 +50000 ").And.Contain("SESSION "));
            Assert.That(cleared, Is.EqualTo((0, "0 sessions of agent waf are forgotten")));
            Assert.That(nobodys, Is.EqualTo((4, "sidecar: there is no agent nobody; there are waf, bot")));
            Assert.That(json.Text, Does.StartWith("{").And.Contain("\"connections\": ["));
            Assert.That(pushed, Is.EqualTo((0, "agent waf has accepted push-1 on 4 connections")));
            Assert.That(own, Is.EqualTo((0, "agent waf has accepted push-2 on 4 connections")));
            Assert.That(unknown, Is.EqualTo((4, "sidecar: there is no agent nobody; there are waf, bot")));
            Assert.That(removed, Is.EqualTo((0, "agent bot is removed: its routes go on without it until the daemon is started again")));
            Assert.That(gone, Is.EqualTo((4, "sidecar: there is no agent bot; there are waf")));
            Assert.That(after.Text, Does.Match("(?m)^! agent bot was removed at .* UTC: its routes go on without it until the daemon is started again$"));
            Assert.That(broken.Code, Is.EqualTo(1));
            Assert.That(broken.Text, Does.StartWith($"sidecar: config-file {file} cannot be read as JSON"));
        }

        Assert.That(await daemon.StopAsync(), Is.Zero);
        Assert.That((await RunAsync("status", "--admin", admin)).Code, Is.EqualTo(3));
    }

    [Test]
    public async Task WrongUse_IsOneLineAndExitCode2()
    {
        var path = await RunAsync("status", "--admin", new string('x', 200));
        var word = await RunAsync("agents", "pull");
        var nobody = await RunAsync("agents", "push");
        Assert.That((path.Code, word.Code, nobody.Code), Is.EqualTo((2, 2, 2)));
        Assert.That(new[] { path.Text, word.Text, nobody.Text }, Is.All.Match("^sidecar: [^\n]+$"));
    }

    private static async Task<(int Code, string Text)> RunAsync(params string[] arguments)
    {
        await using var command = SidecarCommand.Start(arguments);
        return (await command.WaitForExitAsync(), command.Output);
    }
}
