using System.Collections.Concurrent;
using Sidecar.Daemon.Connections;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>Dials connections of a kind, and keeps the agents at their other ends.</summary>
internal sealed class ContractDialer(ConnectionKind kind, FakeTimeProvider clock, int limit) : IAgentDialer, IAsyncDisposable
{
    private readonly ConcurrentQueue<IContractPeer> _peers = new();

    public string Endpoint => kind.Name;

    /// <summary>All that were ever dialled, in their order.</summary>
    public IReadOnlyList<IContractPeer> Peers => [.. _peers];

    /// <summary>The agent at the other end of a connection.</summary>
    public IContractPeer Of(IAgentConnection connection) => Peers.Single(peer => peer.Connection == connection);

    public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
    {
        var peer = await kind.OpenAsync(clock, sink, limit);
        _peers.Enqueue(peer);
        return peer.Connection;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers)
        {
            await peer.DisposeAsync();
        }
    }
}
