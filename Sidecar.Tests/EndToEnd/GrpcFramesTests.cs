using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What lies on the wire, as an HTTP/2 that is not ours (Node's) takes it apart: blocks of headers, data, trailers.</summary>
[Category("EndToEnd")]
internal sealed class GrpcFramesTests
{
    [TestCase("trailers_only", "headers 200 application/grpc status 12 end", TestName = "An error before any message is one block of headers")]
    [TestCase(
        "headers_and_trailers",
        "headers 200 application/grpc status none, data, trailers status 0",
        TestName = "A message stands between headers and trailers")]
    public async Task Frames_AreThoseThatGrpcWants(string scenario, string expected)
    {
        using var directory = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"), Stack.AgentFlags);
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={directory.Socket("agent")}", "--listen", $"envoy={directory.Socket("envoy")}");
        await daemon.WaitForAsync("agent demo is reachable");

        Assert.That(await PeerScript.PlayAsync(GrpcPeer.Node, "envoy_client", directory.Socket("envoy"), scenario), Is.EqualTo(expected));
    }
}
