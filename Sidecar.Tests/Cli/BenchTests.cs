using NUnit.Framework;
using Sidecar.Daemon.Cli.Bench;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
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
        Assert.That(
            agent.Seen.OfType<RequestBodyChunkEvent>().GroupBy(static piece => piece.CorrelationId)
                .SelectMany(static body => body.Select((piece, i) => piece.ChunkIndex == i)), Is.All.True);
    }

    // With an opening and 64 pieces; an agent is told of the end only if that is asked for.
    [TestCase(EventKind.RequestHeaders, false, 1)]
    [TestCase(EventKind.RequestHeaders, true, 2)]
    [TestCase(EventKind.ResponseHeaders, false, 2)]
    [TestCase(EventKind.RequestBodyChunk, false, 65)]
    [TestCase(EventKind.RequestBodyChunk, true, 66)]
    public async Task Messages_OfAnExchangeAreAllCounted(EventKind kind, bool completes, int messages)
    {
        const int Exchanges = 3;
        using var directory = new TempDirectory();
        await using var agent = new LambdaAgent("a");
        await agent.StartAsync(directory.Socket("a"));
        await using var connections = new BenchConnections(
            Options(directory.Socket("a"), 1024) with { Event = kind, Completes = completes, Concurrency = 1 }, TimeProvider.System);
        var callers = await connections.OpenAsync(CancellationToken.None);
        while (Tally.Of(callers).Exchanges < Exchanges)
        {
            Assert.That(await callers[0].PrepareAsync() ?? await callers[0].CallAsync(), Is.Null);
        }

        // Where the end is told, it is told when the next exchange begins, whose first message is then answered, too.
        var begun = completes ? kind == EventKind.RequestHeaders ? 1 : 2 : 0;
        Assert.That(Tally.Of(callers), Is.EqualTo(new Tally(Exchanges, (Exchanges * messages) + begun)));
        Assert.That(agent.Seen, Has.Count.EqualTo((Exchanges * messages) + begun));
    }

    [Test]
    public async Task Exchange_WithARefusalIsNotCounted()
    {
        using var directory = new TempDirectory();
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) => new(message is RequestBodyChunkEvent { ChunkIndex: 1 } ? Answer.Block(413) : AgentResponse.Allow),
        };
        await agent.StartAsync(directory.Socket("a"));
        await using var connections = new BenchConnections(Options(directory.Socket("a"), 1024) with { Concurrency = 1 }, TimeProvider.System);
        var callers = await connections.OpenAsync(CancellationToken.None);
        for (var piece = 0; piece < 64; piece++)
        {
            var failure = await callers[0].PrepareAsync() ?? await callers[0].CallAsync();
            Assert.That(failure is not null, Is.EqualTo(piece == 1));
        }

        Assert.That(Tally.Of(callers), Is.EqualTo(new Tally(0, 64)));
    }

    private static BenchOptions Options(string path, int size) => new()
    {
        Connect = new AgentEndpoint.Unix(path),
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
