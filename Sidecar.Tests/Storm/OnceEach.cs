using System.Collections.Concurrent;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Storm;

/// <summary>Counts how often each exchange is closed, and what their records say of calls. Thread-safe.</summary>
internal sealed class OnceEach : IExchangeObserver
{
    private readonly ConcurrentDictionary<CorrelationId, int> _closed = new();
    private int _begun;
    private long _calls;

    public int Begun => Volatile.Read(ref _begun);

    /// <summary>Exchanges that are closed.</summary>
    public int Closed => _closed.Count;

    /// <summary>Exchanges that were closed more than once.</summary>
    public int Twice => _closed.Count(static one => one.Value > 1);

    /// <summary>Calls, as the records count them.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    public void OnBegun(string listener) => Interlocked.Increment(ref _begun);

    public void OnClosed(in ExchangeRecord record)
    {
        _closed.AddOrUpdate(record.Id, 1, static (_, times) => times + 1);
        foreach (ref readonly var line in record.Agents)
        {
            Interlocked.Add(ref _calls, line.Calls);
        }
    }
}
