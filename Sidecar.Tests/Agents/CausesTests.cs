using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;

namespace Sidecar.Tests.Agents;

public sealed class CausesTests
{
    [Test]
    public void EveryOutcome_HasItsCause()
    {
        var expected = new Dictionary<CallOutcome, Cause>
        {
            [CallOutcome.Answered] = Cause.None,
            [CallOutcome.BadAnswer] = Cause.BadAnswer,
            [CallOutcome.TimedOut] = Cause.Timeout,
            [CallOutcome.ConnectionLost] = Cause.AgentCrash,
            [CallOutcome.Cancelled] = Cause.Decided,
            [CallOutcome.Owed] = Cause.Owed,
            [CallOutcome.NoRoom] = Cause.Overload,
            [CallOutcome.NoConnection] = Cause.AgentAbsent,
            [CallOutcome.Incompatible] = Cause.AgentIncompatible,
            [CallOutcome.NotSendable] = Cause.TooLarge,
            [CallOutcome.NoSlot] = Cause.AgentLimit,
            [CallOutcome.QueueFull] = Cause.QueueFull,
            [CallOutcome.Paused] = Cause.FlowControl,
            [CallOutcome.BreakerOpen] = Cause.BreakerOpen,
            [CallOutcome.Shed] = Cause.Overload,
            [CallOutcome.Ejected] = Cause.Ejected,
            [CallOutcome.Unwell] = Cause.AgentUnwell,
            [CallOutcome.ShutDown] = Cause.Shutdown,
        };
        Assert.That(Enum.GetValues<CallOutcome>().ToDictionary(outcome => outcome, Causes.Of), Is.EqualTo(expected));
    }

    // An operator can say what any of them means for an exchange.
    [Test]
    public void EveryCauseThatAFailureModeDecides_HasAWordInIt()
    {
        var known = Enum.GetValues<Cause>().Select(static cause => cause.Label()).ToList();
        var decided = Enum.GetValues<CallOutcome>().Select(Causes.Of).Except([Cause.None, Cause.Decided])
            .Concat([Cause.AgentError, Cause.BodyUnfinished, Cause.ShuttingDown]).Select(static cause => cause.Label());
        Assert.That(FailureOptions.Causes, Is.EquivalentTo(decided));
        Assert.That(FailureOptions.Causes, Is.SubsetOf(known));
    }

    [TestCase("None", "none")]
    [TestCase("AgentCrash", "agent-crash")]
    [TestCase("TooManyExchanges", "too-many-exchanges")]
    public void Label_IsTheNameInDashes(string cause, string label) => Assert.That(Enum.Parse<Cause>(cause).Label(), Is.EqualTo(label));

    [Test]
    public void Labels_AreDistinct() => Assert.That(Enum.GetValues<Cause>().Select(cause => cause.Label()), Is.Unique);
}
