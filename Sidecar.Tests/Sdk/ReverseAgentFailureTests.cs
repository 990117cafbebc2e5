using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>The SDK's agent that dials in, when the proxy refuses, answers nonsense, is silent or not there.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReverseAgentFailureTests : ReverseAgentFixture
{
    [Test]
    public async Task Refusal_IsReported_AndTriedAgainAfterThePause_NotBefore()
    {
        Listen();
        var pause = TimeSpan.FromSeconds(2);
        await using var agent = Agent(options => options with { ReconnectMin = pause, ReconnectMax = pause });
        agent.Start();
        for (var i = 0; i < 3; i++)
        {
            using var proxy = await AcceptAsync();
            await ReadRequestAsync(proxy);
            await AnswerAsync(proxy, "wrong token");
            await proxy.AssertClosedAsync();
            await Eventually.TrueAsync(() => agent.LastRefusal == "wrong token" && Time.ArmedTimers == 1, Wire.Limit, "the pause");
            Time.Advance(pause - TimeSpan.FromTicks(1));
            Assert.That((Time.ArmedTimers, IsDialled), Is.EqualTo((1, false)), "one tick before");
            Time.AdvanceTicks(1);
        }

        Assert.That(Logs.Collector.GetSnapshot().Count(static entry => entry.Id.Id == 114), Is.EqualTo(1), "paced");
        using var last = await RegisteredAsync();
        await agent.WaitForRegistrationAsync().WaitAsync(Wire.Limit);
        Assert.That(agent.LastRefusal, Is.Null);
    }

    [Test]
    public async Task RefusalBeforeTheRequestIsRead_IsReportedToo()
    {
        Listen();
        await using var agent = Agent();
        agent.Start();
        using (var proxy = await AcceptAsync())
        {
            await AnswerAsync(proxy, "not allowed");
        }

        await Eventually.TrueAsync(() => agent.LastRefusal is not null, Wire.Limit, "the reason");
        Assert.That(agent.LastRefusal, Is.EqualTo("not allowed"));
    }

    [Test]
    public async Task AnswerThatIsNone_IsAFailureLikeAnyOther([Values] Nonsense nonsense)
    {
        Listen();
        await using var agent = Agent();
        agent.Start();
        var proxy = await AcceptAsync();
        await ReadRequestAsync(proxy);
        switch (nonsense)
        {
            case Nonsense.Garbage:
                await proxy.SendAsync(MessageType.HandshakeResponse, "nothing"u8.ToArray());
                break;
            case Nonsense.OtherType:
                await proxy.SendAsync(MessageType.Ping, "{}"u8.ToArray());
                break;
            case Nonsense.TooLong:
                await proxy.Output.WriteAsync(new byte[] { 0xFF, 0, 0, 0 });
                break;
            case Nonsense.HalfSent:
                await proxy.Output.WriteAsync(new byte[] { 0, 0, 0, 9, 2, (byte)'{' });
                proxy.Dispose();
                break;
        }

        await Eventually.TrueAsync(() => Logs.Collector.GetSnapshot().Any(static entry => entry.Id.Id == 115), Wire.Limit, "the report");
        proxy.Dispose();
        await GoOnAsync();
        using var next = await RegisteredAsync();
        await agent.WaitForRegistrationAsync().WaitAsync(Wire.Limit);
    }

    [Test]
    public async Task ProxyThatDoesNotAnswer_IsLeftAtTheDeadline()
    {
        Listen();
        await using var agent = Agent(static options => options with { HandshakeTimeout = TimeSpan.FromSeconds(3) });
        agent.Start();
        using var proxy = await AcceptAsync();
        await ReadRequestAsync(proxy);
        Time.Advance(TimeSpan.FromSeconds(3) - TimeSpan.FromTicks(1));
        Assert.That(Logs.Collector.GetSnapshot(), Has.None.Matches<FakeLogRecord>(static entry => entry.Id.Id == 115));
        Time.AdvanceTicks(1);
        var line = await Logs.Collector.WaitForAsync(static entry => entry.Id.Id == 115, Wire.Limit);
        Assert.That(line.Message, Does.Contain("no answer within 00:00:03"));
        await proxy.AssertClosedAsync();
    }

    [Test]
    public async Task ProxyThatComesLate_IsFound()
    {
        await using var agent = Agent(static options => options with { HandshakeTimeout = TimeSpan.FromDays(1) });
        agent.Start();
        var line = await Logs.Collector.WaitForAsync(static entry => entry.Id.Id == 115, Wire.Limit);
        Assert.That(line.Message, Does.Contain("there is no such socket"), "not the kernel's words about addresses");
        Listen();
        while (!IsDialled)
        {
            await Eventually.TrueAsync(() => Time.ArmedTimers > 0, Wire.Limit, "a pause, or the deadline of a dial");
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        using var proxy = await RegisteredAsync();
        await agent.WaitForRegistrationAsync().WaitAsync(Wire.Limit);
    }

    public enum Nonsense
    {
        Garbage,
        OtherType,
        TooLong,
        HalfSent,
    }
}
