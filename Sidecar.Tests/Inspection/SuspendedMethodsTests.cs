using System.IO.Pipelines;
using System.Reflection;
using System.Threading.Tasks.Sources;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.FrontEnds.AgentProtocol;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.FrontEnds.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>How many methods wait, each with its state kept for it, while an agent thinks: every one is resumed in turn when the answer comes.</summary>
internal sealed class SuspendedMethodsTests
{
    private const BindingFlags All = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    [TestCase(1)]
    [TestCase(4)]
    public async Task BetweenAFrontEndAndTheConnection_OneMethodWaits(int agents)
    {
        var answer = new HeldAnswer();
        await using var rig = await SwiftRig.StartAsync(agents, EventSet.RequestHeaders, answer.Begin);
        var exchange = rig.Inspector.Begin("http", "shop.example", "/cart?item=1", "GET");
        var asking = AskAsFrontEndAsync(rig.Inspector, exchange);

        // Of several that are asked together it is the first to answer that is asked for.
        var names = SuspendedBehind(answer.Asker!);
        Assert.That(names, Is.EqualTo(new[] { "InspectAsync", nameof(AskAsFrontEndAsync) }));
        answer.Release();
        Assert.That(await asking, Is.True);
        rig.Inspector.End(exchange);
    }

    [Test]
    public async Task BetweenTheNativeListenersServerAndTheInspector_OneMethodWaits()
    {
        var answer = new HeldAnswer();
        await using var rig = await SwiftRig.StartAsync(1, EventSet.RequestHeaders, answer.Begin);
        using var directory = new ExchangeDirectory<NativeExchange>(rig.Inspector);
        var handler = new NativeHandler("native", rig.Inspector, directory, TimeSpan.FromMinutes(1), FailureMode.Closed, NullLogger.Instance);
        var asking = handler.OnRequestHeadersAsync(TypicalMessages.RequestHeaders(), null!, CancellationToken.None);

        Assert.That(SuspendedBehind(answer.Asker!), Is.EqualTo(new[] { "InspectAsync", "AskAsync" }));
        answer.Release();
        Assert.That((await asking).Decision, Is.EqualTo(Decision.Allow));
    }

    [Test]
    public async Task BetweenHaproxysConnectionAndTheInspector_OneMethodWaits()
    {
        var answer = new HeldAnswer();
        await using var rig = await SwiftRig.StartAsync(1, EventSet.RequestHeaders, answer.Begin);
        var pipes = new DuplexPipePair(PipeScheduler.Inline);
        using var frontEnd = new SpopFrontEnd(SpopHarness.DefaultOptions, rig.Inspector, NullLogger.Instance);
        var connection = new SpopConnection("1", pipes.Near, frontEnd);
        var running = connection.RunAsync();
        var peer = new SpopPeer(pipes.Far, connection, running);
        await peer.GreetAsync();
        await peer.SendAsync(SpopAsk.Request());
        await Eventually.TrueAsync(() => answer.Asker is not null, TimeSpan.FromSeconds(30), "the agent is asked");

        var names = SuspendedBehind(answer.Asker!);
        Assert.That(names, Is.EqualTo(new[] { "InspectAsync", nameof(SpopFrontEnd.AnswerAsync) }));
        answer.Release();
        Assert.That((await peer.AnswerAsync())["act"], Is.EqualTo("allow"));
        connection.Stop();
        await peer.EndAsync();
    }

    [TestCase(1)]
    [TestCase(3)]
    public async Task UnderAPieceOfABody_TwoMethodsWait(int agents)
    {
        var answer = new HeldAnswer();
        await using var rig = await SwiftRig.StartAsync(agents, EventSet.RequestBodyChunk, answer.Begin);
        var exchange = rig.Inspector.Begin("http", "shop.example", "/cart?item=1", "POST");
        var pushing = PushAsFrontEndAsync(rig.Inspector, exchange);

        // Agents see a body one after the other; whoever is asked, the same two wait.
        for (var asked = 1; asked <= agents; asked++)
        {
            Assert.That(answer.Asked, Is.EqualTo(asked));
            Assert.That(SuspendedBehind(answer.Asker!), Is.EqualTo(new[] { "PushAsync", "PushAsync", nameof(PushAsFrontEndAsync) }));
            answer.Release();
        }

        Assert.That(await pushing, Is.EqualTo(3));
        rig.Inspector.End(exchange);
    }

    private static async Task<long> PushAsFrontEndAsync(Inspector inspector, Exchange exchange)
    {
        using var step = await inspector.PushAsync(
            exchange, Direction.Request, new BodyPiece(new byte[3], BodyEnd.More), inspector.DeadlineIn(TimeSpan.FromMinutes(1)));
        return step.Release.Length;
    }

    private static async Task<bool> AskAsFrontEndAsync(Inspector inspector, Exchange exchange) =>
        (await inspector.InspectAsync(exchange, TypicalMessages.RequestHeaders(), inspector.DeadlineIn(TimeSpan.FromMinutes(1)))).IsAllow;

    // From whoever awaits a source of values to whoever awaits that, until nobody does.
    private static List<string> SuspendedBehind(object waiter)
    {
        List<string> names = [];
        for (object? next = waiter; next is not null;)
        {
            next = next is Delegate { Target: { } target } ? target : next;
            if (next.GetType().GetField("StateMachine", All)?.GetValue(next) is { } machine)
            {
                names.Add(MethodOf(machine.GetType()));
            }

            next = next is Task ? null : NextOf(next);
        }

        return names;
    }

    // A compiler's name: <Method>d__1.
    private static string MethodOf(Type machine) =>
        machine.Name[(machine.Name.IndexOf('<', StringComparison.Ordinal) + 1)..machine.Name.IndexOf('>', StringComparison.Ordinal)];

    private static object? NextOf(object waiter)
    {
        for (var type = waiter.GetType(); type is not null; type = type.BaseType)
        {
            foreach (var field in type.GetFields(All | BindingFlags.DeclaredOnly))
            {
                if (field.FieldType.IsGenericType && field.FieldType.GetGenericTypeDefinition() == typeof(ManualResetValueTaskSourceCore<>)
                    && field.GetValue(waiter) is { } core)
                {
                    return field.FieldType.GetField("_continuationState", All)!.GetValue(core);
                }

                // What an agent of several replies to.
                if (field.FieldType == typeof(AgentFanOut))
                {
                    return field.GetValue(waiter);
                }
            }
        }

        return null;
    }

    /// <summary>Answers when it is told to, and says who waits.</summary>
    private sealed class HeldAnswer : IValueTaskSource<CallResult>
    {
        private readonly List<(Action<object?> Continuation, object? State)> _waiting = [];

        public object? Asker => _waiting is [var first, ..] ? first.State : null;

        public int Asked { get; private set; }

        public ValueTask<CallResult> Begin(AgentEvent message)
        {
            Asked++;
            return new(this, 0);
        }

        public void Release()
        {
            var waiting = _waiting.ToArray();
            _waiting.Clear();
            Array.ForEach(waiting, static one => one.Continuation(one.State));
        }

        public CallResult GetResult(short token) => CallResult.Answered(AgentResponse.Allow);

        public ValueTaskSourceStatus GetStatus(short token) => ValueTaskSourceStatus.Pending;

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _waiting.Add((continuation, state));
    }
}
