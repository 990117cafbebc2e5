using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Connections;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>A stream of frames of some dialect.</summary>
internal sealed class FramedPeer(ConnectedAgent both) : IContractPeer
{
    public IAgentConnection Connection => both.Connection;

    public bool SkipsCancels { get; set; }

    public int Waiting => both.Agent.Waiting;

    public static async Task<IContractPeer> OpenAsync(
        FakeTimeProvider clock, IConnectionSink sink, int limit, AgentDialect dialect, string encoding = ProtocolConstants.Json)
    {
        var isInOrder = dialect == EnvelopeDialect.Instance;
        var both = new ConnectedAgent(limit, matching: isInOrder ? AnswerMatching.InOrder : AnswerMatching.ById, dialect: dialect, clock: clock, sink: sink);
        both.Agent.NamesIds = !isInOrder;
        var opening = both.OpenAsync();
        await both.Agent.AcceptAsync(encoding, ScriptedAgent.Capable() with { Limits = new AgentLimits { MaxBodySize = ConnectionContractTests.LargestBody } });
        await opening;
        return new FramedPeer(both);
    }

    public async Task<AgentEvent> ReceiveAsync()
    {
        while (true)
        {
            var frame = await both.Agent.ReceiveAsync();
            if (frame.Type != MessageType.Cancel || !SkipsCancels)
            {
                return both.Agent.Encoding.ReadEvent(frame.Type, frame.Payload);
            }
        }
    }

    public Task AnswerAsync(AgentEvent message, AgentResponse? response = null) => both.Agent.AnswerAsync(message, response);

    public async Task CancelledAsync(AgentEvent message, CancelReason reason)
    {
        var cancel = await both.Agent.ReceiveCancelAsync();
        if ((cancel.CorrelationId, cancel.Reason) != (message.CorrelationId, reason))
        {
            throw new InvalidOperationException($"the cancel is {cancel}, not for {message.CorrelationId} with {reason}");
        }
    }

    public async Task ReleasedAsync(CorrelationId exchange)
    {
        if (both.Agent.Dialect == EnvelopeDialect.Instance && Connection.IsOpen)
        {
            var ended = EnvelopeDialect.ReadEnd((await both.Agent.ReceiveAsync(MessageType.Cancel)).Payload);
            if (ended != exchange)
            {
                throw new InvalidOperationException($"the end is that of {ended}, not that of {exchange}");
            }
        }
    }

    public void Die() => both.Agent.Vanish();

    public ValueTask DisposeAsync() => both.DisposeAsync();
}
