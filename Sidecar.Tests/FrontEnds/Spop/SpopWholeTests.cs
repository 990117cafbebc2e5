using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>A response's body of unknown length is whole only if HAProxy says that it holds all of it (argument <c>whole</c>).</summary>
internal sealed class SpopWholeTests
{
    [TestCase(true, "allow")]
    [TestCase(false, "failed-closed")]
    [TestCase(null, "failed-closed")]
    [TestCase("yes", "failed-closed")]
    public async Task BodyOfUnknownLength_IsWholeOnlyIfHaproxySaysSo(object? whole, string expected)
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with
            {
                ResponseBody = new BodyPolicy { Mode = BodyMode.Stream, MaxBytes = long.MaxValue, OnExcess = ExcessAction.Block },
            },
        };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request());

        var answer = await peer.AskAsync(SpopProxy.NotifyFrame(3, 1, "sidecar-response",
            ("id", "tx-1"), ("status", 200), ("ver", "1.1"), ("headers", SpopProxy.HeaderBlock(("content-type", "text/plain"))),
            ("body_size", 4L), ("body_len", 4L), ("body", "text"u8.ToArray()), ("whole", whole)));

        Assert.That(answer["ract"], Is.EqualTo(expected));
        Assert.That(answer.GetValueOrDefault("cause"), Is.EqualTo(expected == "allow" ? null : "truncated"));
        Assert.That(agent.Seen.OfType<ResponseBodyChunkEvent>().Any(), Is.EqualTo(expected == "allow"));
    }
}
