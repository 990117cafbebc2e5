using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Envoy's questions to a daemon process whose agent is absent or slow, and a daemon that stops under them.</summary>
[Category("EndToEnd")]
internal sealed class EnvoyFailureTests
{
    [TestCase("closed", "refused")]
    [TestCase("open", "bypassed")]
    public async Task AbsentAgent_FollowsItsFailureMode(string mode, string state)
    {
        await using var stack = await EnvoyStack.StartAsync(agent: null, $",failure-mode={mode}");
        await using var wire = stack.Open();

        var processed = await wire.AskAsync(Messages.Request(last: true));
        var (status, checkedHeaders) = Describe(await stack.CheckAsync(Messages.Question()));

        const string Mark = "x-sidecar-bypassed=agent-absent";
        Assert.That(
            (processed.ImmediateResponse?.Status.Code, processed.RequestHeaders?.Response.HeaderMutation.Text(), status, checkedHeaders),
            Is.EqualTo(mode == "open" ? ((int?)null, Mark, (int?)null, Mark) : (503, null, 503, "")));
        if (mode == "open")
        {
            Assert.That(await wire.CloseAsync(), Is.EqualTo("Ok"));
        }

        Assert.That(await stack.EndedAsync(state, "agent-absent"), Is.EqualTo(2));
    }

    [Test]
    public async Task SlowAgent_GetsTheTimeThatTheFilterGrants()
    {
        var answers = new TaskCompletionSource<AgentResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        var agent = new LambdaAgent("demo") { Answers = (_, _) => new(answers.Task) };
        await using var stack = await EnvoyStack.StartAsync(agent, listenKeys: ",budget=50ms,max-message-timeout=50s");
        await using var wire = stack.Open();

        var wait = await wire.AskAsync(Messages.Request(last: true));
        answers.SetResult(AgentResponse.Allow);

        Assert.That(wait.OverrideMessageTimeout?.ToTimeSpan(), Is.EqualTo(TimeSpan.FromSeconds(50)));
        Assert.That((await wire.NextAsync()).RequestHeaders, Is.Not.Null);
        await wire.AskAsync(Messages.Response(last: true));
        Assert.That(await wire.CloseAsync(), Is.EqualTo("Ok"));
        Assert.That(await stack.EndedAsync("inspected", "none"), Is.EqualTo(1));
    }

    [Test]
    public async Task AgentThatIsTooSlow_FailsAsATimeout()
    {
        await using var stack = await EnvoyStack.StartAsync(Hanging(), listenKeys: ",budget=100ms");
        await using var wire = stack.Open();

        Assert.That((await wire.AskAsync(Messages.Request(last: true))).ImmediateResponse?.Status.Code, Is.EqualTo(504));
        Assert.That(Describe(await stack.CheckAsync(Messages.Question())).Status, Is.EqualTo(504));
        Assert.That(await stack.EndedAsync("refused", "timeout"), Is.EqualTo(2));
    }

    [TestCase(BodySendMode.Streamed)]
    [TestCase(BodySendMode.FullDuplexStreamed)]
    public async Task HundredMebibytes_NeedLittleMemory(BodySendMode mode)
    {
        const int Piece = 64 * 1024;
        const int Count = 1600;
        using var directory = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"), "--block-body", "evil");
        await using var stack = await EnvoyStack.StartAsync(
            agent: null, flags: ["--agent", $"streamer={directory.Socket("agent")},body-mode=stream,max-body=none", "--route", "all,agents=streamer"]);
        await stack.Daemon.WaitForAsync("agent streamer is reachable");
        await SendAsync(stack, mode, Piece, 16);
        var idle = stack.Daemon.MemoryOf("VmRSS");

        var passed = await SendAsync(stack, mode, Piece, Count);

        var above = stack.Daemon.MemoryOf("VmHWM") - idle;
        await TestContext.Out.WriteLineAsync($"{Count * Piece >> 20} MiB {mode}: idle {idle >> 20} MiB, at most {above >> 20} MiB above");
        Assert.That(passed, Is.EqualTo((long)Count * Piece));
        Assert.That(above, Is.LessThan(100L << 20));
        Assert.That(await stack.EndedAsync("inspected", "none"), Is.EqualTo(2));
    }

    [Test]
    public async Task DaemonThatStops_LetsStreamsEnd()
    {
        await using var stack = await EnvoyStack.StartAsync(new LambdaAgent("demo"));
        await using var wire = stack.Open();
        await wire.AskAsync(Messages.Request(last: true));

        var stopping = stack.Daemon.StopAsync();
        await stack.Daemon.WaitForAsync("Shutdown: ");
        var response = await wire.AskAsync(Messages.Response(last: true));

        Assert.That((response.ResponseHeaders, await wire.CloseAsync()), Is.EqualTo((response.ResponseHeaders, "Ok")));
        Assert.That(response.ResponseHeaders, Is.Not.Null);
        Assert.That(await stopping, Is.Zero);
    }

    [Test]
    public async Task DaemonThatStops_CutsStreamsOffWhenTheGraceIsOver()
    {
        var agent = Hanging();
        await using var stack = await EnvoyStack.StartAsync(agent, flags: ["--drain-timeout", "100ms"]);
        await using var idle = stack.Open();
        await using var busy = stack.Open();
        await busy.TellAsync(Messages.Request(last: true));
        await agent.SeenAsync(1);
        agent.Answers = static (_, _) => new(AgentResponse.Allow);
        await idle.AskAsync(Messages.Request(last: true));

        Assert.That(await stack.Daemon.StopAsync(), Is.Zero);

        Assert.That(await idle.EndAsync(), Is.Not.EqualTo("Ok"));
        Assert.That(await busy.EndAsync(), Is.Not.EqualTo("Ok"));
        await Eventually.TrueAsync(
            () => agent.Cancels.Any(static cancel => cancel.Request.Reason == CancelReason.ProxyShutdown), Limit, "the cancel at the agent");
    }

    private static LambdaAgent Hanging() => new("demo")
    {
        Answers = static async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            return AgentResponse.Allow;
        },
    };

    private static (int? Status, string Headers) Describe(CheckResponse answer) => (
        answer.DeniedResponse?.Status.Code,
        string.Join(' ', (answer.OkResponse?.Headers ?? []).Select(static option => $"{option.Header.Key}={option.Header.Value}")));

    // As Envoy does, several pieces are on their way at once.
    private static async Task<long> SendAsync(EnvoyStack stack, BodySendMode mode, int size, int count)
    {
        await using var wire = stack.Open();
        await wire.AskAsync(Messages.Request(request: mode));
        var writing = WriteAsync(wire, size, count);
        var passed = 0L;
        for (var isOpen = true; isOpen;)
        {
            var common = (await wire.NextAsync()).RequestBody.Response;
            passed += common.BodyMutation?.StreamedResponse?.Body.Length ?? size;
            isOpen = mode == BodySendMode.Streamed ? passed < (long)size * count : !common.BodyMutation!.StreamedResponse.EndOfStream;
        }

        await writing;
        await wire.AskAsync(Messages.Response(last: true));
        Assert.That(await wire.CloseAsync(), Is.EqualTo("Ok"));
        return passed;
    }

    private static async Task WriteAsync(EnvoyWire wire, int size, int count)
    {
        var bytes = new byte[size];
        for (var i = 0; i < count; i++)
        {
            bytes[i % size]++;
            await wire.TellAsync(new ProcessingRequest { RequestBody = new HttpBody { Body = ByteString.CopyFrom(bytes), EndOfStream = i == count - 1 } });
        }
    }
}
