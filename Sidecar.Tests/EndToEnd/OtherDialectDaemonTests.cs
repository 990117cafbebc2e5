using System.Text.Json;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>An operator who runs an agent of a dialect that is not spoken is told so, and what to do, wherever there is something to look at.</summary>
[Category("EndToEnd")]
internal sealed class OtherDialectDaemonTests
{
    [TestCase("go-v2", "request-id dialect")]
    [TestCase("python", "envelope dialect")]
    public async Task AnAgentOfAnotherDialect_IsNamed_InLogCommandsDocumentsAndCounts(string recording, string dialect)
    {
        using var directory = new TempDirectory();
        var (socket, admin) = (directory.Socket("agent"), directory.Socket("admin"));
        await using var agent = new RecordedAgent(socket, recording);
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"waf={socket}", "--listen", $"http={directory.Socket("json")},proxy=json", "--listen", $"admin={admin}");
        await daemon.WaitForAsync("agent waf is incompatible, and is dialled every 30 s only");
        Assert.That(daemon.Output, Does.Contain(dialect).And.Contain("which is not spoken yet: use a build of the agent on"));
        var dials = agent.Connections;

        using var client = UnixHttp.Client(directory.Socket("json"));
        using var question = new StringContent(
            """{"v":1,"phase":"request","request":{"method":"GET","authority":"a","path":"/","headers":[["host","a"]]}}""",
            System.Text.Encoding.UTF8,
            "application/json");
        using var answer = await client.PostAsync(new Uri("http://localhost/v1/decide"), question, CancellationToken.None);
        await Eventually.TrueAsync(
            async () => await AdminMetrics.SumAsync(
                admin, "sidecar_agent_exchanges_total", "agent=\"waf\"", "state=\"refused\"", "cause=\"agent-incompatible\"") > 0,
            TimeSpan.FromSeconds(60), "the ledger's line");

        foreach (var command in (string[])["status", "agents"])
        {
            await using var shown = SidecarCommand.Start(command, "--admin", admin);
            Assert.That(await shown.WaitForExitAsync(), Is.Zero);
            Assert.That(shown.Output, Does.Match($"(?m)^! agent waf cannot be reached at .*{dialect}.*, which is not spoken yet"), command);
        }

        using var admins = UnixHttp.Client(admin);
        var version = JsonSerializer.Deserialize<JsonElement>(await admins.GetStringAsync(new Uri("http://localhost/agents"), CancellationToken.None))
            .GetProperty("agents")[0].GetProperty("versions")[0];
        var problem = version.GetProperty("problems")[0];
        Assert.That((problem.GetProperty("endpoint").GetString(), problem.GetProperty("incompatible").GetBoolean()), Is.EqualTo((socket, true)));
        Assert.That(problem.GetProperty("reason").GetString(), Does.Contain(dialect));
        Assert.That(agent.Connections, Is.EqualTo(dials), "four connections would be six errors a second in its log");
    }
}
