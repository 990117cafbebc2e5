using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The daemon as a process, asked as Sidecar.Daemon/docs/decide.md says.</summary>
[TestFixture]
[Category("EndToEnd")]
internal sealed class ScriptTests
{
    [Test]
    public async Task Decide_BlocksWhatTheAgentBlocksAndTheDaemonStops()
    {
        using var directory = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"), "--block-path", "attack", "--set-header", "X-User: alice");
        var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={directory.Socket("agent")}", "--listen", $"http={directory.Socket("http")},proxy=json", "--listen",
            $"frames={directory.Socket("frames")}");
        await using (daemon)
        {
            await daemon.WaitForAsync("agent demo is reachable");
            using var client = UnixHttp.Client(directory.Socket("http"));

            var allowed = await AskAsync(client, "/");
            var blocked = await AskAsync(client, "/attack");

            Assert.That(
                ((string?)allowed["action"], allowed["request_headers"]!.ToJsonString()),
                Is.EqualTo(("allow", """[{"op":"set","name":"x-user","value":"alice"}]""")));
            Assert.That(((string?)blocked["action"], (int)blocked["reply"]!["status"]!), Is.EqualTo(("block", 403)));
            using var ready = await client.SendAsync(UnixHttp.Get("/readyz"));
            Assert.That((int)ready.StatusCode, Is.EqualTo(200));
            Assert.That(await daemon.StopAsync(), Is.Zero);
        }

        Assert.That(File.Exists(directory.Socket("http")), Is.False);
        Assert.That(File.Exists(directory.Socket("frames")), Is.False);
    }

    private static async Task<JsonNode> AskAsync(HttpClient client, string path)
    {
        using var question = new StringContent(
            $$"""{ "v": 1, "phase": "request", "request": { "method": "GET", "authority": "shop.example", "path": "{{path}}", "headers": [["host", "shop.example"]] } }""",
            Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri("http://localhost/v1/decide"), question);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }
}
