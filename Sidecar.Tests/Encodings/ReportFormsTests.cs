using NUnit.Framework;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>The forms of reports that the golden frames do not contain (spec §6).</summary>
[TestFixture(ProtocolConstants.Json)]
[TestFixture(ProtocolConstants.MessagePack)]
public sealed class ReportFormsTests(string encodingName)
{
    private readonly MessageEncoding _encoding = MessageEncodings.ByName(encodingName);

    [TestCase("[2]", HealthState.Degraded)]
    [TestCase("""{"state":3}""", HealthState.Draining)]
    [TestCase("""{"state":99}""", HealthState.Unknown)]
    [TestCase("""{"agent_id":"a","state":"unhealthy","details":{}}""", HealthState.Unhealthy)]
    [TestCase("""{"state":"healthy","timestamp":"2026-01-02T03:04:05Z"}""", HealthState.Healthy)]
    public void Health_AnyFormOfState_IsUnderstood(string payload, HealthState expected) =>
        Assert.That(_encoding.ReadHealth(Bytes.Of(_encoding, payload)).State, Is.EqualTo(expected));

    [TestCase("""{"action":1}""", FlowAction.Pause)]
    [TestCase("[2]", FlowAction.Resume)]
    [TestCase("""{"action":"pause"}""", FlowAction.Pause)]
    [TestCase("\"resume\"", FlowAction.Resume)]
    [TestCase("""{"action":77}""", FlowAction.Normal)]
    [TestCase("""[null,["update_capacity",65536],5]""", FlowAction.UpdateCapacity)]
    public void FlowControl_AnyForm_IsUnderstood(string payload, FlowAction expected) =>
        Assert.That(_encoding.ReadFlowControl(Bytes.Of(_encoding, payload)).Action, Is.EqualTo(expected));

    [TestCase("\"+Inf\"", double.PositiveInfinity)]
    [TestCase("\"Inf\"", double.PositiveInfinity)]
    [TestCase("\"2.5\"", 2.5)]
    [TestCase("3", 3)]
    public void Metrics_AnyFormOfBound_IsUnderstood(string bound, double expected)
    {
        var payload = $$$"""{"histograms":[{"name":"h","buckets":[{"le":{{{bound}}},"count":1}]}]}""";
        Assert.That(_encoding.ReadMetrics(Bytes.Of(_encoding, payload)).Histograms[0].Buckets[0].UpperBound, Is.EqualTo(expected));
    }

    [Test]
    public void ConfigUpdate_PlainName_IsUnderstood() => Assert.That(
        _encoding.ReadConfigUpdate(Bytes.Of(_encoding, """{"update_type":"request_reload"}""")).Update, Is.InstanceOf<RequestReload>());

    [Test]
    public void Reports_ThatAreNone_AreProtocolErrors() => Assert.Multiple(() =>
    {
        Assert.That(() => _encoding.ReadHealth(Bytes.Of(_encoding, "{}")), Throws.InstanceOf<ProtocolException>().With.Message.Contains("state"));
        Assert.That(() => _encoding.ReadFlowControl(Bytes.Of(_encoding, "{}")), Throws.InstanceOf<ProtocolException>().With.Message.Contains("action"));
        Assert.That(
            () => _encoding.ReadConfigUpdate(Bytes.Of(_encoding, """{"update_type":{"type":"x"}}""")),
            Throws.InstanceOf<ProtocolException>().With.Message.Contains("\"x\""));
        Assert.That(
            () => _encoding.ReadMetrics(Bytes.Of(_encoding, """{"counters":[{"value":1}]}""")),
            Throws.InstanceOf<ProtocolException>().With.Message.Contains("name"));
    });
}
