using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Kind = Sidecar.Protocol.Envoy.ProcessingResponse.ResponseOneofCase;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>ext_proc over gRPC: what the wire adds to the state machine.</summary>
internal sealed class ExtProcServiceTests
{
    [TestCase(BodySendMode.Streamed)]
    [TestCase(BodySendMode.Buffered)]
    [TestCase(BodySendMode.BufferedPartial)]
    [TestCase(BodySendMode.FullDuplexStreamed)]
    public async Task EveryMode_CarriesHeadersAndBody(BodySendMode mode)
    {
        await using var agent = LambdaAgent.That("waf", Answer.Allow.WithRequestHeaders(HeaderOperation.Set("x-a", "1")));
        await using var server = await EnvoyServer.StartAsync(agent);
        await using var call = server.Open();

        var headers = await call.AskAsync(Messages.Request(request: mode));
        var body = await call.AskAsync(Messages.Body(Direction.Request, "hello", last: true));

        Assert.That(headers!.RequestHeaders.Response.HeaderMutation.Text(), Does.Contain("x-a=1"));
        Assert.That(body!.ResponseCase, Is.EqualTo(Kind.RequestBody));
        Assert.That(
            body.RequestBody.Response.BodyMutation?.StreamedResponse?.Body.ToStringUtf8(), Is.EqualTo(mode == BodySendMode.FullDuplexStreamed ? "hello" : null));
        Assert.That((await call.AskAsync(Messages.Response(last: true)))!.ResponseCase, Is.EqualTo(Kind.ResponseHeaders));
        Assert.That(await call.CloseAsync(), Is.EqualTo("Ok"));
        Assert.That(await server.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task Block_IsAnImmediateResponseAndEndsTheCallWithOk()
    {
        await using var agent = LambdaAgent.That("waf", Answer.Block(418).WithBody("no"));
        await using var server = await EnvoyServer.StartAsync(agent);
        await using var call = server.Open();

        var answer = await call.AskAsync(Messages.Request(last: true));

        Assert.That((answer!.ImmediateResponse.Status.Code, answer.ImmediateResponse.Body.ToStringUtf8()), Is.EqualTo((418, "no")));
        Assert.That(await call.ReadAsync(CancellationToken.None), Is.Null);
        Assert.That(call.Status!.Value.Code, Is.EqualTo(GrpcStatusCode.Ok));
    }

    [Test]
    public async Task SlowAgent_GetsTheTimeThatEnvoyGrants()
    {
        await using var agent = new LambdaAgent("waf");
        var answers = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        agent.Answers = (_, _) => new(answers.Task);
        await using var server = await EnvoyServer.StartAsync(
            new EnvoyOptions { MaxMessageTimeout = TimeSpan.FromSeconds(60) }, new HarnessOptions { Budget = TimeSpan.FromMilliseconds(50) }, agent);
        await using var call = server.Open();

        var wait = await call.AskAsync(Messages.Request(last: true));
        answers.SetResult(AgentResponse.Allow);

        Assert.That(wait!.OverrideMessageTimeout?.ToTimeSpan(), Is.EqualTo(TimeSpan.FromSeconds(60)));
        Assert.That((await call.ReadAsync(CancellationToken.None))!.ResponseCase, Is.EqualTo(Kind.RequestHeaders));
    }

    [Test]
    public async Task WhatOnlyABrokenFilterSends_IsAReplyAndNeverAnError([Values] bool isMessage)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        await using var wrong = server.Open();
        await using var right = server.Open();

        var answer = await wrong.AskAsync(isMessage ? Messages.Body(Direction.Request, "x") : new Protocol.Grpc.Wire.HealthCheckRequest { Service = "no message of ext_proc" });

        Assert.That(answer?.ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await wrong.ReadAsync(CancellationToken.None), Is.Null);
        Assert.That(wrong.Status!.Value.Code, Is.EqualTo(GrpcStatusCode.Ok), "an error would let the request pass where the filter fails open");
        Assert.That((await right.AskAsync(Messages.Request(last: true)))!.ResponseCase, Is.EqualTo(Kind.RequestHeaders));
    }

    [TestCase(true, TestName = "Death of the connection cancels the agent's call")]
    [TestCase(false, TestName = "Reset of the stream cancels the agent's call")]
    public async Task GoneClient_IsAccounted(bool dies)
    {
        await using var agent = new LambdaAgent("waf");
        agent.Answers = static async (message, cancellation) =>
        {
            if (message is RequestHeadersEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        };
        await using var server = await EnvoyServer.StartAsync(agent);
        var channel = server.NewChannel();
        var call = server.Open(channel);
        await call.WriteAsync(Messages.Request(last: true), CancellationToken.None);
        await agent.SeenAsync(1);

        if (dies)
        {
            channel.Cut();
        }
        else
        {
            call.Cancel();
        }

        Assert.That(await server.AccountAsync(), Is.EqualTo("abandoned|client-gone"));
        await call.DisposeAsync();
        channel.Dispose();
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task MessageOverTheLimit_IsRefusedWhateverTheFailureModeOfTheFilter(bool isFirst)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(new EnvoyOptions { MaxMessageBytes = 256 * 1024 }, new HarnessOptions(), agent);
        await using var call = server.Open();
        if (!isFirst)
        {
            await call.AskAsync(Messages.Request(request: BodySendMode.Buffered));
        }

        var answer = await call.AskAsync(Messages.Body(Direction.Request, new string('x', 300 * 1024), last: true));

        Assert.That(answer!.ImmediateResponse.Status.Code, Is.EqualTo(413));
        Assert.That(await server.AccountAsync(), Is.EqualTo("refused|too-large"));
    }

    [Test]
    public async Task FloodOfEmptyPieces_IsAnsweredOneByOne()
    {
        const int Count = 2000;
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        await using var call = server.Open();
        await call.AskAsync(Messages.Request(request: BodySendMode.Streamed));
        var writing = WriteAsync(call, Count);

        for (var i = 0; i < Count; i++)
        {
            Assert.That((await call.ReadAsync(CancellationToken.None))?.ResponseCase, Is.EqualTo(Kind.RequestBody));
        }

        await writing;
        Assert.That(await call.CloseAsync(), Is.EqualTo("Ok"));
    }

    // Envoy ends every stream so that has not ended.
    [TestCase(false, 1)]
    [TestCase(true, 0)]
    [NonParallelizable]
    public async Task StreamThatEnvoyResets_CostsOneExceptionAtMost_AndNoneWhereWeHaveEndedIt(bool hasEnded, int most)
    {
        const int Count = 200;
        await using var agent = new LambdaAgent("waf") { Supports = EventSet.RequestHeaders | EventSet.ResponseHeaders };
        await using var server = await EnvoyServer.StartAsync(agent);
        var thrown = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        await PlayAsync(server, 10, hasEnded);
        await Eventually.TrueAsync(() => server.Harness.Sums.Sum("exchanges") == 10, TimeSpan.FromSeconds(60), "the end of the first streams");
        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            await PlayAsync(server, Count, hasEnded);
            await Eventually.TrueAsync(() => server.Harness.Sums.Sum("exchanges") == Count + 10, TimeSpan.FromSeconds(60), "the end of all streams");
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Note;
        }

        Assert.That(thrown.Values.Sum(), Is.LessThanOrEqualTo(Count * most), () => string.Join('\n', thrown.Select(static one => $"{one.Value} {one.Key}")));
        Assert.That(server.Harness.Sums.Of("exchanges"), Has.Count.EqualTo(1).And.One.Contains("|inspected|none"));

        // The client's own are not the server's.
        void Note(object? sender, FirstChanceExceptionEventArgs e)
        {
            var stack = Environment.StackTrace;
            if (stack.Contains("Kestrel", StringComparison.Ordinal) || stack.Contains("Grpc.Server", StringComparison.Ordinal) || stack.Contains("Sidecar.Daemon.", StringComparison.Ordinal))
            {
                thrown.AddOrUpdate($"{e.Exception.GetType().Name}: {string.Join(" < ", stack.Split('\n').Skip(4).Take(4))}", 1, static (_, count) => count + 1);
            }
        }
    }

    [Test]
    public async Task ThousandStreams_LiveOnOneConnection()
    {
        const int Count = 1000;
        await using var agent = new LambdaAgent("waf") { MaxConcurrency = 1000 };
        await using var server = await EnvoyServer.StartAsync(agent);
        var calls = new List<ForeignCall<ProcessingResponse>>();
        for (var i = 0; i < Count; i++)
        {
            calls.Add(server.Open());
            Assert.That((await calls[i].AskAsync(Messages.Request(last: true)))?.ResponseCase, Is.EqualTo(Kind.RequestHeaders));
        }

        // All are open now; each can still be answered.
        var last = await Task.WhenAll(calls.Select(static call => call.AskAsync(Messages.Response(last: true))));

        Assert.That(last.Count(static answer => answer?.ResponseCase == Kind.ResponseHeaders), Is.EqualTo(Count));
        await Task.WhenAll(calls.Select(static call => call.CloseAsync()));
        Assert.That(await server.Harness.EndedAsync(), Is.EqualTo(new[] { $"envoy:{System.IO.Path.GetFileName(server.Path)}|all|inspected|none={Count}" }));
        foreach (var call in calls)
        {
            await call.DisposeAsync();
        }
    }

    [Test]
    public async Task HundredMebibytes_StreamWithBoundedMemory()
    {
        const int Piece = 64 * 1024;
        const int Count = 1600;
        await using var agent = new LambdaAgent("waf") { MaxBodySize = ulong.MaxValue };
        var seen = 0L;
        agent.Answers = (message, _) =>
        {
            Interlocked.Add(ref seen, message is RequestBodyChunkEvent ? 1 : 0);
            return new(AgentResponse.Allow);
        };
        await using var server = await EnvoyServer.StartAsync(agent);
        await using var call = server.Open();
        await call.AskAsync(Messages.Request(request: BodySendMode.Streamed));
        var piece = Messages.Body(Direction.Request, new string('x', Piece));
        var peak = 0L;
        for (var i = 0; i < Count; i++)
        {
            piece.RequestBody.EndOfStream = i == Count - 1;
            Assert.That((await call.AskAsync(piece))?.ResponseCase, Is.EqualTo(Kind.RequestBody));
            peak = Math.Max(peak, server.Harness.BodyMemory.Used);
        }

        TestContext.Out.WriteLine($"most body bytes held at once: {peak}");
        Assert.That((peak, Interlocked.Read(ref seen)), Is.EqualTo((peak, (long)Count)));
        Assert.That(peak, Is.LessThanOrEqualTo(4 * Piece));
        await call.AskAsync(Messages.Response(last: true));
        Assert.That(await call.CloseAsync(), Is.EqualTo("Ok"));
        Assert.That(await server.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    private static async Task PlayAsync(EnvoyServer server, int streams, bool hasEnded)
    {
        for (var i = 0; i < streams; i++)
        {
            await using var call = server.Open();
            await call.AskAsync(Messages.Request(last: true));
            await call.AskAsync(Messages.Response(hasEnded));
            if (hasEnded)
            {
                await call.ReadAsync(CancellationToken.None);
            }

            call.Cancel();
        }
    }

    private static async Task WriteAsync(ForeignCall<ProcessingResponse> call, int count)
    {
        var empty = new ProcessingRequest { RequestBody = new HttpBody { Body = ByteString.Empty } };
        for (var i = 0; i < count; i++)
        {
            await call.WriteAsync(empty, CancellationToken.None);
        }
    }
}
