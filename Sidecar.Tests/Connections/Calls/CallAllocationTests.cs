using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections.Calls;

/// <summary>What a call costs in memory in the steady state, with an agent that costs nothing.</summary>
[NonParallelizable]
public sealed class CallAllocationTests
{
    [Test]
    public async Task Call_AllocatesNothingInTheSteadyState()
    {
        const int Calls = 2_000;
        var pipes = new DuplexPipePair(System.IO.Pipelines.PipeScheduler.ThreadPool);
        var settings = new ConnectedAgent().Settings with { ConnectTimeout = ScriptedAgent.Limit };
        await using var connection = new FramedAgentConnection("waf-1", pipes.Near, settings, new RecordingSink(), TimeProvider.System, new FakeLogger());
        var echo = new Echo(pipes);
        var running = echo.RunAsync();
        await connection.OpenAsync(settings.ConnectTimeout, CancellationToken.None);
        var message = TypicalMessages.RequestHeaders();

        // A wait may cost a thread pool object now and then, so the least of several rounds counts.
        var least = double.MaxValue;
        for (var round = 0; round < 8; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Calls; i++)
            {
                var deadline = TimeProvider.System.GetTimestamp() + (30 * TimeProvider.System.TimestampFrequency);
                var result = await connection.CallAsync(message, deadline);
                if (!result.IsAnswered)
                {
                    Assert.Fail($"{result.Outcome}: {result.Detail}");
                }
            }

            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Calls);
        }

        TestContext.Out.WriteLine($"{least:0.00} B per call");
        Assert.That(least, Is.LessThan(16));
        await connection.DisposeAsync();
        await running.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
    }

    private sealed class Echo(DuplexPipePair pipes) : IFrameHandler
    {
        private readonly FrameConnection _frames = new(pipes.Far);

        public Task RunAsync() => Task.Run(() => _frames.RunAsync(this));

        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
        {
            using var frame = FrameBuffer.Rent(type == MessageType.HandshakeRequest ? MessageType.HandshakeResponse : MessageType.AgentResponse);
            if (type == MessageType.HandshakeRequest)
            {
                HandshakeCodec.WriteResponse(frame, new HandshakeResponse
                {
                    Success = true,
                    ProtocolVersion = ProtocolConstants.Version,
                    Encoding = ProtocolConstants.MessagePack,
                    Capabilities = ScriptedAgent.Capable(),
                });
            }
            else
            {
                MessageEncodings.MessagePack.WriteResponse(frame, TypicalMessages.Id, AgentResponse.Allow);
            }

            _frames.TrySend(frame.Finish());
        }

        public void OnEnd(FrameConnectionEnd end, Exception? error)
        {
            // RunAsync ends; the test waits for that.
        }
    }
}
