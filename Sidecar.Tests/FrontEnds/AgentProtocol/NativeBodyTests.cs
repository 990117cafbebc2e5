using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AgentProtocol;

/// <summary>What an asker of the agent protocol makes of the answers is what the agents released (spec §5.4).</summary>
public sealed class NativeBodyTests
{
    private static readonly string[] Pieces = ["abc", "def", "ghi", ""];

    private static IEnumerable<TestCaseData> Agents()
    {
        yield return Case("pass", BodyMode.Stream, static (_, _) => null, "abcdefghi", "....");
        yield return Case("collect and pass", BodyMode.Buffer, static (_, _) => null, "abcdefghi", "+++.");
        yield return Case("collect and replace", BodyMode.Buffer, static (message, _) => message.IsLast ? "whole" : null, "whole", "+++=");
        yield return Case("collect and drop", BodyMode.Buffer, static (_, _) => "", "", "+++=");
        yield return Case("replace each", BodyMode.Stream, static (message, _) => Events.Text(message.Data).ToUpperInvariant(), "ABCDEFGHI", "===.");
        yield return Case("drop the second", BodyMode.Stream, static (_, i) => i == 1 ? "" : null, "abcghi", ".=..");
        yield return Case("replace the first, then pass", BodyMode.Stream, static (_, i) => i == 0 ? "X" : null, "Xdefghi", "=...");
        yield return Case("first two together", BodyMode.Hybrid, static (_, _) => null, "abcdefghi", "+...");
        yield return Case("first two together, replaced", BodyMode.Hybrid, static (_, i) => i == 0 ? "AB" : null, "ABghi", "+++=");
    }

    [TestCaseSource(nameof(Agents))]
    public async Task Defect50_WhatTheAskerMakesOfIt_IsWhatTheAgentReleased(object mode, object change, string expected, string answers)
    {
        foreach (var direction in (string[])["request", "response"])
        {
            var index = 0;
            await using var agent = new LambdaAgent("a")
            {
                Policy = PolicyOf((BodyMode)mode),
                Answers = (message, _) => new(
                    message is not BodyChunkEvent body ? AgentResponse.Allow
                    : ((Func<BodyChunkEvent, int, string?>)change)(body, index++) is not { } text ? AgentResponse.Allow
                    : body is RequestBodyChunkEvent ? AgentResponse.Allow.WithRequestBody(Encoding.UTF8.GetBytes(text), body.ChunkIndex)
                    : AgentResponse.Allow.WithResponseBody(Encoding.UTF8.GetBytes(text), body.ChunkIndex)),
            };
            await using var harness = await InspectionHarness.StartAsync(agent);
            await harness.Client.AskAsync(Events.Request("x"));
            var asker = new Asker();
            for (var i = 0; i < Pieces.Length; i++)
            {
                BodyChunkEvent piece = direction == "request"
                    ? Events.RequestBody("x", Pieces[i], i == Pieces.Length - 1, (uint)i)
                    : Events.ResponseBody("x", Pieces[i], i == Pieces.Length - 1, (uint)i);
                asker.Take(piece, await harness.Client.AskAsync(piece));
            }

            Assert.That((asker.Sent, asker.Answers), Is.EqualTo((expected, answers)), direction);
            await harness.Client.AskAsync(Events.Complete("x"));
            await harness.EndedAsync();
            Assert.That(harness.BodyMemory.Used, Is.Zero);
        }
    }

    [TestCase(ExcessAction.Block, 413, "", LedgerWord.Refused)]
    [TestCase(ExcessAction.Skip, 0, "abcdefghi", LedgerWord.Bypassed)]
    [TestCase(ExcessAction.Partial, 0, "abcdefghi", LedgerWord.Partly)]
    public async Task BodyBeyondTheLimit_FollowsTheAction(object action, int status, string expected, string state)
    {
        await using var agent = new LambdaAgent("a") { Policy = PolicyOf(BodyMode.Buffer, 5, (ExcessAction)action) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        await harness.Client.AskAsync(Events.Request("x"));
        var asker = new Asker();
        for (var i = 0; i < Pieces.Length && asker.Status == 0; i++)
        {
            var piece = Events.RequestBody("x", Pieces[i], i == Pieces.Length - 1, (uint)i);
            asker.Take(piece, await harness.Client.AskAsync(piece));
        }

        Assert.That((asker.Status, asker.Sent), Is.EqualTo((status, expected)));
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That((await harness.EndedAsync()).Single(), Does.Contain($"|{state}|too-large="));
    }

    [Test]
    public async Task NoMemoryToKeepWhatTheAskerHolds_IsRefusedAndAccounted()
    {
        // The first piece is held by the asker and replaced with the second: everything after must wait here for the last one.
        await using var agent = new LambdaAgent("a")
        {
            MaxBodySize = 1 << 20,
            Answers = static (message, _) => new(message is not RequestBodyChunkEvent body ? AgentResponse.Allow
                : body.ChunkIndex == 0 ? AgentResponse.Allow.NeedingMore()
                : AgentResponse.Allow.WithRequestBody(new byte[6000], body.ChunkIndex)),
        };
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { BodyMemory = 4096 }, agent);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That((await harness.Client.AskAsync(Events.RequestBody("x", "a"))).NeedsMore, Is.True);
        var refused = await harness.Client.AskAsync(Events.RequestBody("x", "b", index: 1));
        Assert.That((refused.Decision, refused.Audit.ReasonCodes.Single()), Is.EqualTo(((Decision)new BlockDecision(503), "body-memory")));
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That((await harness.EndedAsync()).Single(), Does.Contain("|refused|body-memory="));
        Assert.That(harness.BodyMemory.Used, Is.Zero);
    }

    [TestCase("msgpack")]
    [TestCase("json")]
    public async Task MoreThanAnAnswerCanCarry_IsRefusedAndAccounted(string encoding)
    {
        // Two pieces are held here because the asker had to drop them, and come back at once: more than fits into a frame.
        await using var agent = new LambdaAgent("a")
        {
            MaxBodySize = 1 << 30,
            Answers = static (message, _) => new(message is not RequestBodyChunkEvent body ? AgentResponse.Allow
                : body.IsLast ? AgentResponse.Allow
                : body.ChunkIndex == 0 ? AgentResponse.Allow.WithRequestBody("!"u8.ToArray(), 0)
                : AgentResponse.Allow.NeedingMore()),
        };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var client = await harness.ConnectAsync(encoding);
        await client.AskAsync(Events.Request("x"));
        var piece = new RequestBodyChunkEvent { CorrelationId = CorrelationId.Parse("x"), Data = new byte[6 << 20] };
        for (var i = 0u; i < 3; i++)
        {
            Assert.That((await client.AskAsync(piece with { ChunkIndex = i })).Decision, Is.EqualTo(Decision.Allow));
        }

        var last = await client.AskAsync(piece with { ChunkIndex = 3, Data = default, IsLast = true });
        Assert.That((last.Decision, last.Audit.ReasonCodes.Single()), Is.EqualTo(((Decision)new BlockDecision(413), "too-large")));
        await client.AskAsync(Events.Complete("x"));
        Assert.That((await harness.EndedAsync()).Single(), Does.Contain("|refused|too-large="));
        Assert.That(harness.BodyMemory.Used, Is.Zero);
    }

    private static TestCaseData Case(string name, BodyMode mode, Func<BodyChunkEvent, int, string?> change, string expected, string answers) =>
        new TestCaseData(mode, change, expected, answers).SetArgDisplayNames(name);

    private static AgentPolicy PolicyOf(BodyMode mode, long limit = long.MaxValue, ExcessAction action = ExcessAction.Block)
    {
        var body = new BodyPolicy { Mode = mode, Threshold = 4, MaxBytes = limit, OnExcess = action };
        return LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = body, ResponseBody = body };
    }

    private static class LedgerWord
    {
        public const string Refused = "refused";
        public const string Bypassed = "bypassed";
        public const string Partly = "partly";
    }

    /// <summary>A proxy that does with its pieces what the protocol says, and nothing more.</summary>
    private sealed class Asker
    {
        private readonly List<byte> _sent = [];
        private readonly List<byte> _held = [];
        private bool _allHeld = true;

        public string Sent => Encoding.UTF8.GetString([.. _sent]);

        /// <summary>For each piece: + held, . passed, = replaced.</summary>
        public string Answers { get; private set; } = "";

        public int Status { get; private set; }

        public void Take(BodyChunkEvent piece, AgentResponse answer)
        {
            if (answer.Decision is BlockDecision block)
            {
                Status = block.Status;
                return;
            }

            var mutation = piece is RequestBodyChunkEvent ? answer.RequestBodyMutation : answer.ResponseBodyMutation;
            var bytes = piece.Data.ToArray();
            if (mutation?.Data is { } data)
            {
                if (mutation.ChunkIndex == 0 && piece is { IsLast: true, ChunkIndex: > 0 } && _allHeld)
                {
                    _held.Clear();
                }
                else if (mutation.ChunkIndex != piece.ChunkIndex)
                {
                    throw new InvalidOperationException($"a mutation of piece {mutation.ChunkIndex} in the answer to {piece.ChunkIndex}");
                }

                bytes = data.ToArray();
            }

            Answers += answer.NeedsMore ? "+" : mutation is null ? "." : "=";
            _held.AddRange(bytes);
            _allHeld &= answer.NeedsMore;
            if (!answer.NeedsMore)
            {
                _sent.AddRange(_held);
                _held.Clear();
            }
        }
    }
}
