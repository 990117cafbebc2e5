using System.Collections.Concurrent;
using Sidecar.Daemon.Connections;

namespace Sidecar.Tests.Pooling;

/// <summary>Dials into memory: each dial does what the test's function says.</summary>
internal sealed class ScriptedDialer(Func<int, FakeConnection?> dial, TimeProvider clock) : IAgentDialer
{
    private int _dials;

    public string Endpoint => "memory";

    /// <summary>Dials so far.</summary>
    public int Dials => Volatile.Read(ref _dials);

    /// <summary>The clock's timestamps of the dials.</summary>
    public ConcurrentQueue<long> At { get; } = new();

    public Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        At.Enqueue(clock.GetTimestamp());
        var number = Interlocked.Increment(ref _dials);
        if (dial(number) is not { } connection)
        {
            throw new AgentUnreachableException($"attempt {number} failed", new IOException("refused"));
        }

        connection.Sink = sink;
        connection.Greeting?.Invoke(sink, connection);
        return Task.FromResult<IAgentConnection>(connection);
    }
}
