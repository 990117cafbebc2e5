using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Takeover;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Takeover;

/// <summary>The link between two daemons, on pipes: who knows an exchange is asked, and whatever the other side does costs no more than the link.</summary>
public sealed class TakeoverLinkTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly byte[] Hello = LinkFrame.Of(LinkFrameKind.Hello, 0, [1], "test"u8);

    [Test]
    public async Task WhoeverKnowsTheExchange_IsAskedAndAnswers_InBothDirections()
    {
        await using var pair = new LinkPair();
        pair.Old.Serve(new FrontEnd("old-", static (question, _) => new([.. question.ToArray(), 1])));
        pair.New.Serve(new FrontEnd("new-", static (question, _) => new([.. question.ToArray(), 2])));
        await pair.OpenAsync();

        var asked = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => i % 2 == 0
            ? AskAsync(pair.New, $"old-{i}", [(byte)i])
            : AskAsync(pair.Old, $"new-{i}", [(byte)i])));

        Assert.That(asked, Is.EqualTo(Enumerable.Range(0, 200).Select(static i => new[] { (byte)i, (byte)((i % 2) + 1) })));
        Assert.That(await AskAsync(pair.New, "new-1", [1]), Is.Null, "the other is asked, not this one");
        Assert.That(await AskAsync(pair.New, "nobody's", [1]), Is.Null);
    }

    [Test]
    public async Task LargeQuestionAndAnswer_ComeWhole_AndOneBeyondTheLimitIsNotSent()
    {
        await using var pair = new LinkPair();
        pair.Old.Serve(new FrontEnd("", static (question, _) => new(question.ToArray())));
        await pair.OpenAsync();
        var large = new byte[20 * 1024 * 1024];
        new Random(1).NextBytes(large);

        var answer = await AskAsync(pair.New, "k", large);
        Assert.That(large.AsSpan().SequenceEqual(answer), Is.True);
        Assert.That(await AskAsync(pair.New, "k", new byte[LinkFrame.MaxLength]), Is.Null);
        Assert.That(pair.New.IsOpen, Is.True);
    }

    [Test]
    public async Task PeerThatDiesInTheMiddle_LeavesNobodyWaiting()
    {
        var begun = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        var pair = new LinkPair();
        pair.Old.Serve(new FrontEnd("", async (_, gone) =>
        {
            begun.TrySetResult();
            await using var registration = gone.Register(cancelled.SetResult);
            await cancelled.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
            return [1];
        }));
        await pair.OpenAsync();
        var asking = AskAsync(pair.New, "k", [1]);
        await begun.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);

        await pair.DisposeAsync();

        Assert.That(await asking.WaitAsync(Limit, TimeProvider.System, CancellationToken.None), Is.Null);
        Assert.That(cancelled.Task.IsCompleted, Is.True, "what it asked is given up");
        Assert.That(await AskAsync(pair.New, "k", [1]), Is.Null, "a link that has ended asks nobody");
    }

    [Test]
    public async Task AskerThatGoes_CancelsTheQuestion_AndTheLinkGoesOn()
    {
        var begun = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await using var pair = new LinkPair();
        pair.Old.Serve(new FrontEnd("", async (question, gone) =>
        {
            if (question.Span[0] == 1)
            {
                begun.TrySetResult();
                await using var registration = gone.Register(cancelled.SetResult);
                await cancelled.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
            }

            return [9];
        }));
        await pair.OpenAsync();
        using var gone = new CancellationTokenSource();
        var asking = pair.New.AskAsync("k", new byte[] { 1 }, long.MaxValue, gone.Token).AsTask();
        await begun.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);

        await gone.CancelAsync();

        Assert.That(await asking.WaitAsync(Limit, TimeProvider.System, CancellationToken.None), Is.Null);
        await cancelled.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
        Assert.That(await AskAsync(pair.New, "k", [2]), Is.EqualTo(new byte[] { 9 }));
    }

    [Test]
    public async Task PeerThatDoesNotSayWhetherItKnows_CostsAnEighthOfTheTime()
    {
        var time = new FakeTimeProvider();
        var (link, far, running) = Start(new LinkOptions { Kind = "test", Time = time });
        await far.Output.WriteAsync(Hello);
        await Eventually.TrueAsync(() => link.IsOpen, Limit, "the introduction");
        await ReceiveAsync(far, LinkFrameKind.Hello);
        var asking = link.AskAsync("k", new byte[1], time.GetTimestamp() + (long)(0.160 * time.TimestampFrequency), CancellationToken.None).AsTask();
        await ReceiveAsync(far, LinkFrameKind.Knows);

        time.Advance(TimeSpan.FromMilliseconds(19));
        Assert.That(asking.IsCompleted, Is.False);
        time.Advance(TimeSpan.FromMilliseconds(2));

        Assert.That(await asking.WaitAsync(Limit, TimeProvider.System, CancellationToken.None), Is.Null);
        await ReceiveAsync(far, LinkFrameKind.Cancel);
        await CloseAsync(far, running);
    }

    [Test]
    public async Task PeerThatKnowsAndDoesNotAnswer_CostsThePhasesTime()
    {
        var time = new FakeTimeProvider();
        var (link, far, running) = Start(new LinkOptions { Kind = "test", Time = time });
        await far.Output.WriteAsync(Hello);
        await Eventually.TrueAsync(() => link.IsOpen, Limit, "the introduction");
        await ReceiveAsync(far, LinkFrameKind.Hello);
        var asking = link.AskAsync("k", new byte[] { 7 }, time.GetTimestamp() + (long)(0.160 * time.TimestampFrequency), CancellationToken.None).AsTask();
        var call = await ReceiveAsync(far, LinkFrameKind.Knows);
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Known, call.Call, [1]));
        var question = await ReceiveAsync(far, LinkFrameKind.Ask);
        Assert.That((BinaryPrimitives.ReadUInt32BigEndian(question.Payload), question.Payload[4..]), Is.EqualTo((160u, new byte[] { 7 })), "the time that is left, and the question");

        time.Advance(TimeSpan.FromMilliseconds(161));

        Assert.That(await asking.WaitAsync(Limit, TimeProvider.System, CancellationToken.None), Is.Null);
        await ReceiveAsync(far, LinkFrameKind.Cancel);
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Answer, question.Call, [1]));
        Assert.That(link.IsOpen, Is.True, "an answer that comes too late is dropped");
        await CloseAsync(far, running);
    }

    [Test]
    public async Task PeerThatLies_IsTakenForWhatItIs()
    {
        var (link, far, running) = Start(new LinkOptions { Kind = "test" });
        link.Supersede();
        await far.Output.WriteAsync(Hello);
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Known, 99, [1]));
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Answer, 99, [1]));
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.NoAnswer, 98));
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Cancel, 97));
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Ask, 5, [1]));
        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Knows, 6, "\xff\xfe"u8));
        await ReceiveAsync(far, LinkFrameKind.Hello);
        await ReceiveAsync(far, LinkFrameKind.Superseded);
        Assert.That((await ReceiveAsync(far, LinkFrameKind.NoAnswer)).Call, Is.EqualTo(5), "nobody serves here");
        Assert.That((await ReceiveAsync(far, LinkFrameKind.Known)).Payload, Is.EqualTo(new byte[] { 0 }));
        Assert.That(link.IsOpen, Is.True);
        await CloseAsync(far, running);
    }

    [TestCase("ffffffff0200000000000000000000", TestName = "AFrameBeyondTheLimit_EndsTheLink")]
    [TestCase("0000000802000000000000000000", TestName = "AFrameTooShortToBeOne_EndsTheLink")]
    [TestCase("00000009630000000000000001", TestName = "AFrameOfNoKind_EndsTheLink")]
    [TestCase("0000000e0100000000000000000174657374", TestName = "ASecondIntroduction_EndsTheLink")]
    public async Task Nonsense(string hex)
    {
        var (link, far, running) = Start(new LinkOptions { Kind = "test" });
        await far.Output.WriteAsync(Hello);
        await Eventually.TrueAsync(() => link.IsOpen, Limit, "the introduction");

        await far.Output.WriteAsync(Convert.FromHexString(hex));

        await running.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
        Assert.That(link.IsOpen, Is.False);
        Assert.That(await link.AskAsync("k", new byte[1], long.MaxValue, CancellationToken.None), Is.Null);
    }

    [TestCase((byte)2, "test")]
    [TestCase((byte)1, "other")]
    public async Task PeerThatSpeaksDifferently_IsNotLinked(byte version, string kind)
    {
        var (link, far, running) = Start(new LinkOptions { Kind = "test" });

        await far.Output.WriteAsync(LinkFrame.Of(LinkFrameKind.Hello, 0, [version], System.Text.Encoding.UTF8.GetBytes(kind)));

        await running.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
        Assert.That(link.IsOpen, Is.False);
    }

    [Test]
    public async Task PeerThatDoesNotIntroduceItself_IsGivenUp()
    {
        var time = new FakeTimeProvider();
        var (_, _, running) = Start(new LinkOptions { Kind = "test", Time = time });

        time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.That(running.IsCompleted, Is.False, "its time is not up");
        time.AdvanceTicks(1);

        await running.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
    }

    [Test]
    public async Task MoreQuestionsThanMayBe_AreToldAtOnceThatThereIsNoAnswer()
    {
        var turn = new TaskCompletionSource();
        await using var pair = new LinkPair(old: new LinkOptions { Kind = "test", MaxCalls = 4 });
        pair.Old.Serve(new FrontEnd("", async (question, _) =>
        {
            await turn.Task.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
            return question.ToArray();
        }));
        await pair.OpenAsync();

        var asking = Enumerable.Range(0, 20).Select(i => AskAsync(pair.New, "k", [(byte)i])).ToList();
        await Eventually.TrueAsync(() => asking.Count(static call => call.IsCompleted) == 16, Limit, "the end of those beyond the bound");
        turn.SetResult();

        Assert.That((await Task.WhenAll(asking)).Count(static answer => answer is not null), Is.EqualTo(4));
    }

    [Test]
    public async Task Successor_TellsItsPredecessor()
    {
        await using var pair = new LinkPair();
        await pair.OpenAsync();

        pair.New.Link.Supersede();

        await Eventually.TrueAsync(() => pair.Old.Superseded == 1, Limit, "the news");
        Assert.That(pair.New.Superseded, Is.Zero);
    }

    private static async Task<byte[]?> AskAsync(LinkEnd end, string key, byte[] question) =>
        await end.AskAsync(key, question, TimeProvider.System.GetTimestamp() + (600 * TimeProvider.System.TimestampFrequency), CancellationToken.None);

    private static (TakeoverLink Link, IDuplexPipe Far, Task Running) Start(LinkOptions options)
    {
        var pipes = new DuplexPipePair(PipeScheduler.ThreadPool);
        var link = new TakeoverLink(pipes.Near, options, static () => null, static () => { }, NullLogger.Instance);
        return (link, pipes.Far, link.RunAsync());
    }

    private static async Task<(ulong Call, byte[] Payload)> ReceiveAsync(IDuplexPipe far, LinkFrameKind kind)
    {
        while (true)
        {
            var result = await far.Input.ReadAsync().AsTask().WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
            var buffer = result.Buffer;
            if (LinkFrame.TryRead(ref buffer, out var frame, out var error))
            {
                Assert.That(frame.Kind, Is.EqualTo(kind));
                var received = (frame.Call, frame.Payload.ToArray());
                far.Input.AdvanceTo(buffer.Start);
                return received;
            }

            Assert.That((error, result.IsCompleted), Is.EqualTo(((string?)null, false)));
            far.Input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static async Task CloseAsync(IDuplexPipe far, Task running)
    {
        await far.Output.CompleteAsync();
        await far.Input.CompleteAsync();
        await running.WaitAsync(Limit, TimeProvider.System, CancellationToken.None);
    }

    private sealed class FrontEnd(string prefix, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<byte[]?>> answer) : IRelayedFrontEnd
    {
        public bool Knows(string key) => key.StartsWith(prefix, StringComparison.Ordinal);

        public ValueTask<byte[]?> AnswerAsync(ReadOnlyMemory<byte> question, TimeSpan budget, CancellationToken gone) => answer(question, gone);
    }
}
