using System.Globalization;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A daemon process that streams a large body through two agents: what it keeps does not grow with the body.</summary>
[Category("EndToEnd")]
public sealed class StreamedBodyTests
{
    private const int PieceBytes = 64 * 1024;

    // 128 MiB, and with SIDECAR_TEST_SCALE=8 the GiB that is promised.
    private static readonly long BodyBytes =
        (128L << 20) * Math.Max(1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));

    [TestCase("request")]
    [TestCase("response")]
    public async Task LargeBody_ThroughTwoAgents_NeedsLittleMemory(string direction)
    {
        using var directory = new TempDirectory();
        await using var first = await SidecarCommand.StartAgentAsync(directory.Socket("a"), "--block-body", "evil");
        await using var second = await SidecarCommand.StartAgentAsync(directory.Socket("b"), "--block-body", "wicked");
        const string Keys = ",body-mode=stream,max-body=none,timeout=30s";
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"a={directory.Socket("a")}{Keys}", "--agent", $"b={directory.Socket("b")}{Keys}", "--route", "all,agents=a>b",
            "--listen", $"native={directory.Socket("native")},budget=50s");
        await daemon.WaitForAsync("agent a is reachable");
        await daemon.WaitForAsync("agent b is reachable");
        await using var client = await NativeClient.ConnectAsync(directory.Socket("native"));
        await client.AskAsync(Events.Request("warm-up"));
        await client.AskAsync(Piece("warm-up", direction, new byte[PieceBytes], 0, 1));
        await client.AskAsync(Events.Complete("warm-up"));
        var idle = daemon.MemoryOf("VmRSS");

        await client.AskAsync(Events.Request("large"));
        var bytes = new byte[PieceBytes];
        var count = BodyBytes / PieceBytes;
        for (var i = 0; i < count; i++)
        {
            bytes[i % PieceBytes]++;
            var answer = await client.AskAsync(Piece("large", direction, bytes, i, count));
            Assert.That(answer, Is.SameAs(AgentResponse.Allow), $"piece {i}");
        }

        var above = daemon.MemoryOf("VmHWM") - idle;
        await client.AskAsync(Events.Complete("large"));
        await TestContext.Out.WriteLineAsync($"{BodyBytes >> 20} MiB {direction}: idle {idle >> 20} MiB, at most {above >> 20} MiB above");
        Assert.That(above, Is.LessThan(100L << 20));
    }

    [Test]
    public async Task TextAcrossPiecesFarIntoABody_IsFound()
    {
        using var directory = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(directory.Socket("a"), "--block-body", "evil");
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"a={directory.Socket("a")},body-mode=stream,max-body=none,timeout=30s",
            "--listen", $"native={directory.Socket("native")},budget=50s");
        await daemon.WaitForAsync("agent a is reachable");
        await using var client = await NativeClient.ConnectAsync(directory.Socket("native"));
        await client.AskAsync(Events.Request("x"));
        var padding = new byte[PieceBytes];
        for (var i = 0; i < 64; i++)
        {
            "ev"u8.CopyTo(padding.AsSpan(PieceBytes - 2));
            Assert.That((await client.AskAsync(Piece("x", "request", padding, i, 65))).Decision, Is.EqualTo(Decision.Allow));
        }

        Assert.That((await client.AskAsync(Piece("x", "request", "il"u8.ToArray(), 64, 65))).Decision, Is.TypeOf<BlockDecision>());
    }

    private static BodyChunkEvent Piece(string id, string direction, byte[] bytes, long index, long count) => direction == "request"
        ? new RequestBodyChunkEvent { CorrelationId = CorrelationId.Parse(id), Data = bytes, ChunkIndex = (uint)index, IsLast = index == count - 1 }
        : new ResponseBodyChunkEvent { CorrelationId = CorrelationId.Parse(id), Data = bytes, ChunkIndex = (uint)index, IsLast = index == count - 1 };
}
