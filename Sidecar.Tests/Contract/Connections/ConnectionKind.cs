using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>A way to reach agents. All keep one contract, and differ in what these say.</summary>
/// <param name="Name">For test names.</param>
/// <param name="OpenAsync">Opens one for at most so many calls at once.</param>
internal sealed record ConnectionKind(string Name, Func<FakeTimeProvider, IConnectionSink, int, Task<IContractPeer>> OpenAsync)
{
    /// <summary>Every kind there is: a new one gets its line here.</summary>
    public static IReadOnlyList<ConnectionKind> All { get; } =
    [
        new("native-json", static (clock, sink, limit) => FramedPeer.OpenAsync(clock, sink, limit, AgentDialect.Native)),
        new("native-msgpack", static (clock, sink, limit) => FramedPeer.OpenAsync(clock, sink, limit, AgentDialect.Native, ProtocolConstants.MessagePack)),
        new("grpc-stream", static (clock, sink, limit) => FramedPeer.OpenAsync(clock, sink, limit, GrpcDialect.Instance)),
        new("envelopes-in-order", static (clock, sink, _) => FramedPeer.OpenAsync(clock, sink, 1, EnvelopeDialect.Instance))
        {
            IsInOrder = true, HasCancels = false, HasPings = false,
        },
        new("requests", static (clock, sink, limit) => RequestConnection.OpenAsync(clock, sink, limit)) { OwesAnswers = false, HasPings = false },
    ];

    /// <summary>Whether answers come in the order of the calls, one call at a time.</summary>
    public bool IsInOrder { get; init; }

    /// <summary>Whether a call that ended unanswered keeps its slot until its answer comes.</summary>
    public bool OwesAnswers { get; init; } = true;

    /// <summary>Whether the agent is told that nobody waits any more.</summary>
    public bool HasCancels { get; init; } = true;

    /// <summary>Whether silence can be told from death.</summary>
    public bool HasPings { get; init; } = true;

    /// <summary>Calls at once on a connection that was opened for so many.</summary>
    public int Limit(int limit) => IsInOrder ? 1 : limit;

    public override string ToString() => Name;
}
