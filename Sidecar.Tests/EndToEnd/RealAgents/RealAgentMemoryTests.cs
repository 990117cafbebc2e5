using System.Globalization;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.RealAgents;

/// <summary>Agents that free what they keep of an exchange only when they are told of its end stay as small as they were.</summary>
[Category("EndToEnd")]
internal sealed class RealAgentMemoryTests
{
    // One that is never told keeps about 2 KB for each: 40 MB of the twenty thousand.
    private const long MostGrowth = 8L << 20;
    private const int WarmUp = 2000;
    private const int Clients = 16;

    private static readonly int Exchanges = 20_000 * Math.Max(
        1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));

    [TestCase("reference-json")]
    [TestCase("reference-grpc")]
    [TestCase("data-masking")]
    public async Task TwentyThousandExchanges_LeaveItsMemoryFlat(string agent)
    {
        await using var stack = await RealAgentStack.StartAsync(RealAgentKind.All[agent], "none");
        await using var client = await NativeClient.ConnectAsync(stack.NativeSocket, ProtocolConstants.MessagePack);
        await ExchangeAsync(client, 0, WarmUp);
        var before = stack.Agent.Process.MemoryOf("VmRSS");
        await ExchangeAsync(client, WarmUp, Exchanges);
        var grown = stack.Agent.Process.MemoryOf("VmRSS") - before;
        await Eventually.TrueAsync(
            async () => await stack.MetricAsync("sidecar_agent_requests_total", "event=\"request_complete\"") == WarmUp + Exchanges,
            TimeSpan.FromSeconds(60), "the news of the end of each");
        await TestContext.Out.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"{agent}: {before >> 10} KiB, and {grown >> 10} more after {Exchanges} exchanges"));
        Assert.That(grown, Is.LessThan(MostGrowth));
    }

    private static Task ExchangeAsync(NativeClient client, int from, int count) => Task.WhenAll(Enumerable.Range(0, Clients).Select(task => Task.Run(async () =>
    {
        for (var i = from + task; i < from + count; i += Clients)
        {
            var answer = await client.AskAsync(Events.Request($"{i}", "/any"));
            Assert.That(answer.Decision, Is.TypeOf<AllowDecision>());
            await client.AskAsync(Events.Complete($"{i}"));
        }
    })));
}
