using NUnit.Framework;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Tests.Pooling;

public sealed class FillThenSpreadTests
{
    // Each connection: calls in flight of 4, then c concurrent or s serial, then x when it takes nothing new. Expected: its index.
    [TestCase("0c 0c 0c", 0)]
    [TestCase("3c 0c 0c", 0)]
    [TestCase("4c 3c 0c", 1)]
    [TestCase("4c 4c 4c", -1)]
    [TestCase("0cx 2c 0c", 1)]
    [TestCase("0s 0s 0s", 0)]
    [TestCase("1s 0s 0s", 1)]
    [TestCase("2s 2s 1s", 2)]
    [TestCase("4s 4s 4s", -1)]
    [TestCase("1s 0sx 2s", 0)]
    [TestCase("", -1)]
    public void Choice(string connections, int expected)
    {
        var candidates = Candidates(connections);
        var chosen = new FillThenSpread().Select(candidates, null);
        Assert.That(chosen is null ? -1 : Array.IndexOf(candidates, chosen), Is.EqualTo(expected));
    }

    [TestCase("0c 0c", 0, 1)]
    [TestCase("0s 1s", 0, 1)]
    [TestCase("0c", 0, -1)]
    public void Choice_AfterAFailure_IsAnother(string connections, int failed, int expected)
    {
        var candidates = Candidates(connections);
        var chosen = new FillThenSpread().Select(candidates, candidates[failed]);
        Assert.That(chosen is null ? -1 : Array.IndexOf(candidates, chosen), Is.EqualTo(expected));
    }

    private static PooledConnection[] Candidates(string connections) =>
    [
        .. connections.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((text, i) =>
        {
            var connection = new FakeConnection($"c{i}", isConcurrent: text[1] == 'c') { InFlight = text[0] - '0' };
            if (text.EndsWith('x'))
            {
                connection.Abort("closed");
            }

            return new PooledConnection(connection, TimeProvider.System);
        }),
    ];
}
