using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The reference's own client drives an agent of ours and the daemon's native listener; where it stands beside the checkout.</summary>
[Category("EndToEnd")]
internal sealed class ReferenceClientTests
{
    private const string Passed = "PASS ";

    private static readonly string[] Flags =
    [
        "--block-path", "/block", "--redirect-path", "/redirect=https://example.org/", "--challenge-path", "/challenge", "--block-body", "attack",
        "--set-header", "x-agent:demo", "--response-header", "x-by:demo",
    ];

    [TestCase(false)]
    [TestCase(true)]
    public async Task EveryCheckOfTheReferencesClient_Passes(bool throughTheDaemon)
    {
        using var directory = new TempDirectory();
        await using var agent = await StartAgentAsync(directory.Socket("agent"));
        await using var daemon = throughTheDaemon
            ? await SidecarCommand.StartDaemonAsync("--agent", $"demo={directory.Socket("agent")}", "--listen", $"native={directory.Socket("native")}")
            : null;
        if (daemon is not null)
        {
            await daemon.WaitForAsync("agent demo is reachable");
        }

        Assert.That(await ChecksAsync(directory.Socket(throughTheDaemon ? "native" : "agent")), Has.Count.EqualTo(15).And.All.StartsWith(Passed));
    }

    // Its client asks about no guardrail and no WebSocket over gRPC.
    [Test]
    public async Task EveryCheckThatItMakesOverGrpc_Passes()
    {
        using var port = new LoopbackPort();
        await using var agent = await StartAgentAsync($"http://127.0.0.1:{port.Number}");
        var checks = await ChecksAsync($"http://127.0.0.1:{port.Number}");
        Assert.That(checks, Has.Count.EqualTo(15));
        Assert.That(checks, Has.Exactly(13).StartsWith(Passed));
        Assert.That(checks, Has.Exactly(2).Contains("not yet supported via gRPC"));
    }

    private static async Task<ChildProcess> StartAgentAsync(string place)
    {
        await SharedPeer.RequireAsync("refproxy");
        return await SidecarCommand.StartAgentAsync(place, Flags);
    }

    // A line for each.
    private static async Task<List<string>> ChecksAsync(string endpoint)
    {
        await using var client = ChildProcess.Start(await SharedPeer.RequireAsync("refproxy"), endpoint);
        await client.WaitForExitAsync();
        return [.. client.Output.Split('\n').Where(static line => line.Length > 0)];
    }
}
