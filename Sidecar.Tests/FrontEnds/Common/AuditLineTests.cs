using System.Text.Json;
using FsCheck;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.FrontEnds.Common;

[TestFixture]
internal sealed class AuditLineTests
{
    [Test]
    public void Write_NothingSaid_IsEmpty() => Assert.That(AuditLine.Write([]), Is.Empty);

    [Test]
    public void Write_WhatAgentsSaid_IsOneLineOfJson()
    {
        var line = AuditLine.Write(
        [
            new AgentAudit("waf", "block", new AuditMetadata { RuleIds = ["942100"], Tags = ["sqli", "größe\r\n"], ReasonCodes = ["score"], Confidence = 0.5f }),
            new AgentAudit("bot", "timeout", AuditMetadata.Empty),
        ]);

        Assert.That(line, Is.EqualTo(
            """{"agents":[{"agent":"waf","said":"block","rules":["942100"],"tags":["sqli","gr\u00F6\u00DFe\r\n"],"reasons":["score"],"confidence":0.5},{"agent":"bot","said":"timeout"}]}"""));
    }

    [Test]
    public void Write_TooManyRules_KeepsWholeOnesAndSaysSo()
    {
        var rules = Enumerable.Range(0, 10_000).Select(static i => $"rule-{i}").ToList();

        var line = AuditLine.Write([new AgentAudit("waf", "block", new AuditMetadata { RuleIds = rules })]);

        using var json = JsonDocument.Parse(line);
        var agent = json.RootElement.GetProperty("agents")[0];
        var kept = agent.GetProperty("rules").EnumerateArray().Select(static rule => rule.GetString()).ToList();
        Assert.That(line, Has.Length.LessThanOrEqualTo(AuditLine.MaxLength));
        Assert.That(kept, Has.Count.GreaterThan(20));
        Assert.That(kept, Is.EqualTo(rules.Take(kept.Count)));
        Assert.That(agent.GetProperty("cut").GetBoolean(), Is.True);
    }

    [Test]
    public void Write_TooManyAgents_SaysHowManyAreLeftOut()
    {
        var line = AuditLine.Write([.. Enumerable.Range(0, 500).Select(static i => new AgentAudit($"agent-{i}", "allow", AuditMetadata.Empty))]);

        using var json = JsonDocument.Parse(line);
        var kept = json.RootElement.GetProperty("agents").GetArrayLength();
        Assert.That(kept, Is.GreaterThan(10));
        Assert.That(json.RootElement.GetProperty("omitted").GetInt32(), Is.EqualTo(500 - kept));
    }

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public void Write_Anything_IsValidBoundedAsciiOnOneLine(NonNull<string>[][] agents, PositiveInt repeat, float confidence)
    {
        var audits = agents.Select(texts => new AgentAudit(
            string.Concat(Enumerable.Repeat(texts.FirstOrDefault()?.Get ?? "", repeat.Get)),
            "block",
            new AuditMetadata
            {
                RuleIds = [.. texts.Select(static t => t.Get)],
                Tags = [.. texts.Select(static t => t.Get)],
                Confidence = confidence,
            })).ToList();

        var line = AuditLine.Write(audits);

        Assert.That(line, Has.Length.LessThanOrEqualTo(AuditLine.MaxLength));
        Assert.That(line, Has.All.InRange(' ', '~'));
        if (audits.Count > 0)
        {
            Assert.That(() => JsonDocument.Parse(line).Dispose(), Throws.Nothing);
        }
    }
}
