using System.Collections.Concurrent;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

public sealed class EventStormTests
{
    private const int Connections = 4;
    private const int EventsEach = 1500;

    [Test]
    public async Task RandomEventsAndHandlers_GiveEveryEventOneAnswerWithItsId()
    {
        var seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        using var directory = new TempDirectory();
        var running = new ConcurrentDictionary<CorrelationId, int>();
        var overlaps = 0;
        var handler = new ScriptedHandler(async (message, cancellation) =>
        {
            // The ids of the connections differ, so an id is one exchange.
            if (running.AddOrUpdate(message.CorrelationId, 1, (_, n) => n + 1) != 1)
            {
                Interlocked.Increment(ref overlaps);
            }

            try
            {
                return await BehaveAsync(message, cancellation);
            }
            finally
            {
                running.AddOrUpdate(message.CorrelationId, 0, (_, n) => n - 1);
            }
        });
        var path = directory.Socket("storm.sock");
        await using var server = new AgentServer(handler, new AgentServerOptions
        {
            Capabilities = AgentHarness.Capabilities,
            SocketPath = path,
            MaxOutstandingEvents = 200,
        });
        await server.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(number => Task.Run(() => RunAsync(path, number, new Random(seed + number)))))
            .WaitAsync(Wire.Limit * 2);

        Assert.That(overlaps, Is.Zero, $"events of one exchange never overlap; seed {seed}");
        await Eventually.TrueAsync(() => server.Connections.Sum(connection => connection.Outstanding) == 0, Wire.Limit, "nothing to be outstanding");
    }

    private static async Task RunAsync(string path, int number, Random random)
    {
        using var peer = await AgentPeer.ConnectAsync(path);
        await peer.IntroduceAsync(number % 2 == 0 ? "msgpack" : "json");
        var owed = new Dictionary<CorrelationId, int>();
        var writing = WriteAsync();
        var answered = new Dictionary<CorrelationId, int>();
        for (var i = 0; i < EventsEach; i++)
        {
            var answer = await peer.ReadAnswerAsync();
            answered[answer.CorrelationId] = answered.GetValueOrDefault(answer.CorrelationId) + 1;
        }

        await writing;
        await peer.PingAsync();
        Assert.That(answered, Is.EquivalentTo(owed), "as many answers as events for each id, and nothing after them");

        async Task WriteAsync()
        {
            for (var i = 0; i < EventsEach; i++)
            {
                var id = new CorrelationId(new UInt128((ulong)number + 1, (ulong)random.Next(1, 40)));
                owed[id] = owed.GetValueOrDefault(id) + 1;
                switch (random.Next(10))
                {
                    case 0:
                        await peer.SendAsync(MessageType.RequestHeaders, Encodings.Bytes.Of(peer.Encoding, $$"""{"correlation_id":"{{id}}","headers":7}"""));
                        break;
                    case 1:
                        await peer.SendAsync(SampleEvents.Request(id));
                        await peer.CancelAsync(id);
                        break;
                    default:
                        var all = SampleEvents.All(id);
                        await peer.SendAsync(all[random.Next(all.Length)]);
                        break;
                }
            }
        }
    }

    private static async ValueTask<AgentResponse> BehaveAsync(AgentEvent message, CancellationToken cancellation)
    {
        switch (Random.Shared.Next(12))
        {
            case 0:
                throw new FormatException("at once");
            case 1:
                await Task.Yield();
                throw new FormatException("later");
            case 2:
                return null!;
            case 3:
                await Task.Yield();
                cancellation.ThrowIfCancellationRequested();
                return Answer.Allow;
            case 4:
                using (cancellation.Register(static () => { }))
                {
                    await Task.Yield();
                    return Answer.Block().WithBody(new string('x', 20_000));
                }

            case 5:
                return message is BodyChunkEvent chunk ? Answer.Allow.WithRequestBody(chunk.Data, chunk.ChunkIndex) : Answer.Redirect("/");
            default:
                return AgentResponse.Allow;
        }
    }
}
