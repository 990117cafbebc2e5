using System.Collections.Concurrent;
using Sidecar.Daemon.Connections;

namespace Sidecar.Tests.Pooling;

/// <summary>Dials into memory: each dial does what the test's function says.</summary>
internal sealed class ScriptedDialer(Func<int, FakeConnection?> dial, TimeProvider clock) : IAgentDialer
{
    private int _dials;

    /// <summary>When set, configurations have to be tried first: does what dialling with one does.</summary>
    public Func<ConfigurationValue, FakeConnection>? Trial { get; init; }

    /// <summary>Whoever is told when there may be somebody to dial; null while nobody is.</summary>
    public Action? Appeared { get; private set; }

    public string Endpoint => "memory";

    public IDisposable? Watch(Action appeared)
    {
        Appeared = appeared;
        return new Unwatched(this);
    }

    public IAgentDialer? ForTrialOf(ConfigurationValue configuration) => Trial is { } trial ? new ScriptedDialer(_ => trial(configuration), clock) : null;

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

        (connection.Sink, connection.Clock) = (sink, clock);
        connection.Greeting?.Invoke(sink, connection);
        return Task.FromResult<IAgentConnection>(connection);
    }

    private sealed class Unwatched(ScriptedDialer dialer) : IDisposable
    {
        public void Dispose() => dialer.Appeared = null;
    }
}
