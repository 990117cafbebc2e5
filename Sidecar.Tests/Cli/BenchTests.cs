using NUnit.Framework;
using Sidecar.Daemon.Cli.Bench;
using Sidecar.Protocol.Agents;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Cli;

/// <summary>What a benchmark sends, and that a refusal is no success.</summary>
public sealed class BenchTests
{
    [TestCase(1, 64)]
    [TestCase(1024, 64)]
    [TestCase(16 * 1024, 64)]
    [TestCase(64 * 1024, 16)]
    [TestCase(2 * 1024 * 1024, 1)]
    public void Body_HasNumberedPiecesAndOneLast(int size, int count)
    {
        var pieces = BenchEvents.Of(Options("", size)).Cast<RequestBodyChunkEvent>().ToList();
        Assert.That(pieces.Select(static piece => piece.ChunkIndex), Is.EqualTo(Enumerable.Range(0, count)));
        Assert.That(pieces.Select(static piece => piece.IsLast), Is.EqualTo(Enumerable.Range(1, count).Select(i => i == count)));
        Assert.That(pieces[^1].BytesTransferred, Is.EqualTo((ulong)pieces.Sum(static piece => piece.Data.Length)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Refusals_AreFailures(bool refuses)
    {
        using var directory = new TempDirectory();
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) => new(refuses && message is RequestBodyChunkEvent ? Answer.Block(413) : AgentResponse.Allow),
        };
        await agent.StartAsync(directory.Socket("a"));
        await using var run = new BenchRun(Options(directory.Socket("a"), 1024) with { Duration = TimeSpan.FromMilliseconds(300) }, TimeProvider.System);
        var result = await run.RunAsync(CancellationToken.None);
        Assert.That(result.Failures > 0, Is.EqualTo(refuses));
        Assert.That(result.FirstFailure, refuses ? Does.StartWith("refused: ").And.Contains("413") : Is.Null);
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().GroupBy(static piece => piece.CorrelationId).SelectMany(static body => body.Select((piece, i) => piece.ChunkIndex == i)), Is.All.True);
    }

    private static BenchOptions Options(string path, int size) => new()
    {
        Connect = path,
        Concurrency = 4,
        Connections = 1,
        Event = EventKind.RequestBodyChunk,
        Size = size,
        Headers = 3,
        Encoding = ProtocolConstants.MessagePack,
        Warmup = TimeSpan.FromMilliseconds(50),
        Duration = TimeSpan.FromMilliseconds(50),
        Timeout = TimeSpan.FromSeconds(30),
        Raw = false,
    };
}
