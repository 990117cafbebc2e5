using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.RealAgents;

/// <summary>Configurations pushed to published agents: an accepted one counts from then on, a refused one changes nothing and costs nobody anything.</summary>
[Category("EndToEnd")]
internal sealed class RealAgentPushTests
{
    private const int Clients = 16;

    private static IEnumerable<TestCaseData> Cases =>
        from proxy in (string[])["nginx", "envoy"]
        from kind in RealAgentKind.All.Values
        where kind.Push is not null
        select new TestCaseData(proxy, kind.Name);

    [TestCaseSource(nameof(Cases))]
    public async Task AnAcceptedOne_CountsFromThenOn_AndARefusedOneChangesNothing(string proxy, string agent)
    {
        await using var stack = await RealAgentStack.StartAsync(RealAgentKind.All[agent], proxy);
        var (configuration, then) = stack.Kind.Push!.Value;
        var pushed = await stack.PushAsync(configuration);
        Assert.That(pushed.Code, Is.Zero, pushed.Text);
        await stack.CheckAsync(then);
        if (stack.Kind.Refused is { } bad)
        {
            await RefuseAsync(stack, bad);
            await stack.CheckAsync(then);
        }
    }

    // Over gRPC the agent refuses by the end of the stream: it was tried four times, and took a live connection with its calls each time.
    private static async Task RefuseAsync(RealAgentStack stack, string configuration)
    {
        var isOver = false;
        var asking = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            for (; !Volatile.Read(ref isOver); count++)
            {
                await stack.CheckAsync(stack.Kind.Probe);
            }

            return count;
        })));
        var refused = await stack.PushAsync(configuration);
        Volatile.Write(ref isOver, true);
        Assert.That(await asking, Has.All.Positive, "nothing that is asked meanwhile is lost");
        Assert.That(refused.Code, Is.EqualTo(1));
        Assert.That(refused.Text, Does.Contain("is failed").And.Contain(
            stack.Kind.IsGrpc ? "the agent ended the stream when it was given its configuration" : "the agent refused it"));
        Assert.That(await stack.MetricAsync("sidecar_agent_calls_total", "outcome=\"ConnectionLost\""), Is.Zero);
    }
}
