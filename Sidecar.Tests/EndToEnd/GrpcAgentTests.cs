using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The daemon with an agent that is built on a gRPC library that is not ours, as processes of their own.</summary>
[Category("EndToEnd")]
internal sealed class GrpcAgentTests
{
    [Test]
    public async Task PythonAgent_DecidesDiesAndComesBack()
    {
        using var directory = new TempDirectory();
        var described = directory.File("agent.bin");
        await File.WriteAllBytesAsync(described, Wire.AgentV2Reflection.Descriptor.SerializedData.ToByteArray());
        await using var agent = PythonScript.Start("grpc_agent.py", described);
        await agent.WaitForAsync("listening on port");
        var port = agent.Output.Split("listening on port ")[1].Split(';')[0];
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"py=http://127.0.0.1:{port},timeout=20s,reconnect-min=10ms,reconnect-max=50ms",
            "--listen", $"native={directory.Socket("native")},budget=25s");
        await daemon.WaitForAsync("agent py is reachable");
        await using var client = await NativeClient.ConnectAsync(directory.Socket("native"));

        var allowed = await client.AskAsync(TestEvents.Headers(1, "/cart"));
        var blocked = await client.AskAsync(TestEvents.Headers(2, "/attack"));
        Assert.That(allowed.RequestHeaders, Is.EqualTo(new[] { HeaderOperation.Set("x-seen", "shop.example.com") }));
        Assert.That(blocked.Decision, Is.InstanceOf<BlockDecision>().With.Property("Status").EqualTo(403));

        var lost = await client.AskAsync(TestEvents.Headers(3, "/die"));
        Assert.That(lost.Decision, Is.InstanceOf<BlockDecision>(), "the agent died over it: failed closed");
        await agent.WaitForExitAsync();
        await using var second = PythonScript.Start("grpc_agent.py", described, port);
        await Eventually.TrueAsync(
            async () => (await client.AskAsync(TestEvents.Headers(4, "/cart"))).Decision is AllowDecision, TimeSpan.FromSeconds(60), "the daemon to find the agent again");
    }
}
