using NUnit.Framework;

namespace Sidecar.Tests.Contract;

/// <summary>One verdict comes to one effect, whichever proxy asked: the matrix of all cases and all front ends.</summary>
internal sealed class ContractTests
{
    private static IEnumerable<TestCaseData> Matrix() =>
        from contract in ContractCases.All
        from frontEnd in FrontEndList.All.Keys
        select new TestCaseData(contract, frontEnd).SetArgDisplayNames(frontEnd, contract.Name);

    [TestCaseSource(nameof(Matrix))]
    public async Task WhatAgentsSay_HasTheSameEffectBehindEveryFrontEnd(ContractCase contract, string name)
    {
        var agents = new ContractAgents(contract);
        await using var frontEnd = await FrontEndList.All[name](agents.Options, agents.Agents);
        var passage = new Passage();

        await agents.AccompanyAsync(frontEnd.Daemon, () => frontEnd.AskAsync(passage));

        var ended = (await frontEnd.Daemon.EndedAsync()).Single();
        var unapplied = frontEnd.Daemon.Sums.Of("operations.unapplied").Select(static line => line.Split('|')[^1]);
        var effect = passage.Effect(string.Join('|', ended.Split('|')[^2..])[..^2], string.Join(' ', unapplied));
        Assert.That(effect, Is.EqualTo(contract.Behind(name)));
    }

    [TestCaseSource(typeof(ContractCases), nameof(ContractCases.All))]
    public void Deviation_HasAReasonAndAFrontEndAndDeviates(ContractCase contract)
    {
        var names = contract.Deviations.SelectMany(static one => one.FrontEnds).ToList();
        Assert.That(names, Is.SubsetOf(FrontEndList.All.Keys).And.Unique);
        Assert.That(contract.Deviations.Select(static one => one.Why), Is.All.Not.Empty);
        Assert.That(contract.Deviations.Select(static one => one.Effect), Has.None.EqualTo(contract.Effect));
    }
}
