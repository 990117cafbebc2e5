using System.Collections.Concurrent;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>Copies the records of all exchanges. Thread-safe.</summary>
internal sealed class CopyingObserver : IExchangeObserver
{
    private int _begun;

    /// <summary>Exchanges that have begun.</summary>
    public int Begun => Volatile.Read(ref _begun);

    /// <summary>The records in the order of their ends.</summary>
    public ConcurrentQueue<CopiedRecord> Closed { get; } = new();

    /// <summary>Everything that happened, in all exchanges and after their ends.</summary>
    public ConcurrentQueue<RecordEntry> Entries { get; } = new();

    /// <summary>Waits for this many records.</summary>
    public Task ClosedAsync(int count) => Eventually.TrueAsync(() => Closed.Count >= count, TimeSpan.FromSeconds(30), $"record {count}");

    public void OnBegun(string listener) => Interlocked.Increment(ref _begun);

    public void OnEntry(string listener, string route, in RecordEntry entry) => Entries.Enqueue(entry);

    public void OnClosed(in ExchangeRecord record) => Closed.Enqueue(new CopiedRecord
    {
        Id = record.Id,
        ProxyId = record.ProxyId,
        Listener = record.Listener,
        Route = record.Route,
        Generation = record.Generation,
        Request = (record.Method, record.Host, record.Target, record.Client),
        Times = (record.Started, record.Ended),
        Account = record.Account,
        Final = record.Final,
        FinalEvent = record.FinalEvent,
        Agents = record.Agents.ToArray(),
        Entries = record.Entries.ToArray(),
        More = record.More,
    });
}

/// <summary>A record that stays.</summary>
internal sealed record CopiedRecord
{
    public required CorrelationId Id { get; init; }

    public required string? ProxyId { get; init; }

    public required string Listener { get; init; }

    public required string? Route { get; init; }

    public required long Generation { get; init; }

    public required (string? Method, string? Host, string? Target, string? Client) Request { get; init; }

    public required (long Started, long Ended) Times { get; init; }

    public required LedgerEntry Account { get; init; }

    public required Verdict? Final { get; init; }

    public required EventKind FinalEvent { get; init; }

    public required AgentRecord[] Agents { get; init; }

    public required RecordEntry[] Entries { get; init; }

    public required int More { get; init; }

    /// <summary>The entries of one kind.</summary>
    public IEnumerable<RecordEntry> Of(RecordKind kind) => Entries.Where(entry => entry.Kind == kind);

    /// <summary>The line of an agent.</summary>
    public AgentRecord Line(string agent) => Agents.Single(line => line.Agent == agent);
}
