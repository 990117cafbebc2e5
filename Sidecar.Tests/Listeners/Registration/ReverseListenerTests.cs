using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Listeners.Registration;

/// <summary>The bounds of a reverse listener: time, attempts, connections, and its end.</summary>
public sealed class ReverseListenerTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    [Test]
    public async Task SilenceOrAPartOfAFrame_EndsAtTheDeadline_NotATickBefore([Values(0, 3, 4, 50)] int sent)
    {
        await using var rig = new ReverseRig();
        using var peer = await rig.ConnectAsync();
        await peer.Output.WriteAsync(Registration.AsMemory(0, sent));
        await Eventually.TrueAsync(() => rig.Listener.Unregistered == 1 && rig.Time.ArmedTimers == 1, ScriptedAgent.Limit, "the deadline to be armed");
        rig.Time.Advance(Timeout - TimeSpan.FromTicks(1));
        Assert.That((rig.Listener.Unregistered, rig.Time.ArmedTimers), Is.EqualTo((1, 1)));
        rig.Time.AdvanceTicks(1);
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync("timed-out=1");
        await Eventually.TrueAsync(() => rig.Listener.Unregistered == 0 && rig.Time.ActiveTimers == 0, ScriptedAgent.Limit, "nothing to be left");
    }

    [Test]
    public async Task RegisteredConnection_HasNoDeadlineAnyMore()
    {
        await using var rig = new ReverseRig();
        var (peer, _) = await rig.RegisterAsync();
        await Eventually.TrueAsync(() => rig.Time.ActiveTimers == 0 && rig.Listener.Unregistered == 0, ScriptedAgent.Limit, "the deadline to be gone");
        rig.Time.Advance(TimeSpan.FromHours(1));
        Assert.That(rig.Agents.Values.Sum(static agent => agent.Count), Is.EqualTo(1), "still there");
        peer.Dispose();
    }

    [Test]
    public async Task Defect36_MoreConnectionsThanTheAgentMayHave_AreRefusedBeforeSuccessIsTold([Values(2, 1)] int maxPerAgent)
    {
        await using var rig = new ReverseRig(limit: 2, maxPerAgent: maxPerAgent);
        var peers = new List<AgentPeer>();
        for (var i = 0; i < maxPerAgent; i++)
        {
            var (peer, response) = await rig.RegisterAsync();
            Assert.That(response.Success, Is.True);
            peers.Add(peer);
        }

        var (last, refused) = await rig.RegisterAsync();
        Assert.That((refused.Success, refused.Error), Is.EqualTo((false, $"Too many connections: agent 'waf' has {maxPerAgent}, the limit is {maxPerAgent}; close one first")));
        await last.AssertClosedAsync();
        await rig.OutcomeAsync("too-many-connections=1");
        var (other, accepted) = await rig.RegisterAsync(ReverseRig.Request("bot"));
        Assert.That(accepted.Success, Is.True, "the limit is each agent's own");
        peers.ForEach(static peer => peer.Dispose());
        last.Dispose();
        other.Dispose();
    }

    [Test]
    public async Task Defect37_ManyAtOnce_NeverGetMorePlacesThanThereAre()
    {
        await using var rig = new ReverseRig(limit: 3);
        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => rig.RegisterAsync())));
        Assert.That(all.Count(static one => one.Response.Success), Is.EqualTo(3));
        Assert.That(rig.Waf.Count, Is.EqualTo(3));
        Array.ForEach(all, static one => one.Peer.Dispose());
    }

    [Test]
    public async Task MoreAttemptsThanASecondMayHave_AreRefused_UntilTheNext()
    {
        await using var rig = new ReverseRig(change: static options => options with { AttemptsPerSecond = 2 });
        for (var i = 0; i < 2; i++)
        {
            (await rig.RegisterAsync(ReverseRig.Request("nobody"))).Peer.Dispose();
        }

        using var third = await rig.ConnectAsync();
        var refused = await ReverseRig.ReadAsync(third);
        Assert.That(refused.Error, Is.EqualTo("Too many attempts: 2 within a second are the limit; try again later"));
        await rig.OutcomeAsync("too-many-attempts=1");
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        var (peer, response) = await rig.RegisterAsync();
        Assert.That(response.Success, Is.True);
        peer.Dispose();
    }

    [Test]
    public async Task MoreUnregisteredThanThereMayBe_AreRefused_UntilOneIsGone()
    {
        await using var rig = new ReverseRig(change: static options => options with { MaxUnregistered = 2 });
        using var first = await rig.ConnectAsync();
        using var second = await rig.ConnectAsync();
        await Eventually.TrueAsync(() => rig.Listener.Unregistered == 2, ScriptedAgent.Limit, "two that wait");
        using var third = await rig.ConnectAsync();
        var refused = await ReverseRig.ReadAsync(third);
        Assert.That(refused.Error, Is.EqualTo("Too many connections have not registered: 2 are the limit; try again later"));
        await rig.OutcomeAsync("too-many-unregistered=1");
        second.Dispose();
        await Eventually.TrueAsync(() => rig.Listener.Unregistered == 1, ScriptedAgent.Limit, "one that waits");
        var (peer, response) = await rig.RegisterAsync();
        Assert.That(response.Success, Is.True);
        peer.Dispose();
    }

    [Test]
    public async Task PeerThatMayNotCome_IsToldAtOnce_AndUsesUpNoAttempt()
    {
        var isWelcome = false;
        await using var rig = new ReverseRig(change: options => options with
        {
            AttemptsPerSecond = 1,
            PeerProblem = _ => isWelcome ? null : "process 7 runs as uid 8; allowed are 9",
        });
        for (var i = 0; i < 3; i++)
        {
            using var peer = await rig.ConnectAsync();
            var refused = await ReverseRig.ReadAsync(peer);
            Assert.That((refused.Success, refused.Error), Is.EqualTo((false, "Not allowed: process 7 runs as uid 8; allowed are 9")));
            await peer.AssertClosedAsync();
        }

        await rig.OutcomeAsync("peer=3");
        isWelcome = true;
        var (welcome, response) = await rig.RegisterAsync();
        Assert.That(response.Success, Is.True);
        welcome.Dispose();
    }

    [Test]
    public async Task Stop_EndsWhatHasNotRegistered_AndLeavesTheOthers()
    {
        await using var rig = new ReverseRig();
        var (registered, _) = await rig.RegisterAsync();
        using var waiting = await rig.ConnectAsync();
        await Eventually.TrueAsync(() => rig.Listener.Unregistered == 1, ScriptedAgent.Limit, "one that waits");
        await rig.Listener.DisposeAsync().AsTask().WaitAsync(Wire.Limit);
        await waiting.AssertClosedAsync();
        await rig.OutcomeAsync("stopping=1");
        var sink = new RecordingSink();
        await using (var connection = await rig.Waf.DialAsync(sink, CancellationToken.None))
        {
            Assert.That(connection.IsOpen, Is.True);
        }

        await registered.AssertClosedAsync();
        registered.Dispose();
    }

    [Test]
    public async Task AgentThatIsNotServedAnyMore_IsClosedAndItsPlaceGivenBack()
    {
        await using var rig = new ReverseRig();
        rig.Waf.Dispose();
        var (peer, _) = await rig.RegisterAsync();
        await peer.AssertClosedAsync();
        await rig.OutcomeAsync("stopping=1");
        Assert.That(rig.Waf.Count, Is.Zero);
        peer.Dispose();
    }

    private static byte[] Registration { get; } =
        Wire.Frame(MessageType.HandshakeRequest, AnyMessage.Write(MessageEncodings.Json, ReverseRig.Request()));
}
