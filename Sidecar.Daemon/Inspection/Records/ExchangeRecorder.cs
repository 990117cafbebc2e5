using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Records;

/// <summary>
/// Collects what happens in one exchange, and then in another: reused, with the memory that it has grown to. Safe from any thread.
/// </summary>
/// <remarks>
/// Each exchange is a life of it. Who notes something names the life that is meant: what comes when that is over, such as the answer to the
/// news of the end, is left out, and can never get into the record of another exchange.
/// </remarks>
internal sealed class ExchangeRecorder(ExchangeObservers observers)
{
    /// <summary>
    /// Most entries that are kept: a request and its response with ten agents and a dozen pieces of body. Of a WebSocket the beginning.
    /// </summary>
    public const int MaxEntries = 64;

    /// <summary>Most answers that are kept: each may hold a page and any number of header edits.</summary>
    public const int MaxResponses = 16;

    // Ids and hosts; what is longer was made to be long.
    private const int MaxNameLength = 256;

    // Enough to find the request again; 50,000 exchanges may be open.
    private const int MaxTargetLength = 1024;

    private readonly Lock _lock = new();

    // What most exchanges need: one call or two, and their verdicts. 50,000 may be open.
    private RecordEntry[] _entries = new RecordEntry[4];
    private AgentRecord[] _agents = new AgentRecord[2];
    private int _count;
    private int _agentCount;
    private int _responses;
    private int _holders;
    private Exchange? _closed;
    private volatile int _life;

    /// <summary>The life that it is in.</summary>
    public int Life => _life;

    /// <summary>Who learns of what happens.</summary>
    public ExchangeObservers Observers => observers;

    /// <inheritdoc cref="ExchangeRecord.Id"/>
    public CorrelationId Id { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.ProxyId"/>
    public string? ProxyId { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Listener"/>
    public string Listener { get; private set; } = "";

    /// <inheritdoc cref="ExchangeRecord.Route"/>
    public string? Route { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.RouteLabel"/>
    public string RouteLabel { get; private set; } = "";

    /// <inheritdoc cref="ExchangeRecord.Generation"/>
    public long Generation { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Method"/>
    public string? Method { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Host"/>
    public string? Host { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Target"/>
    public string? Target { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Client"/>
    public string? Client { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Started"/>
    public long Started { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Ended"/>
    public long Ended { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Account"/>
    public LedgerEntry Account { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Final"/>
    public Verdict? Final { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.FinalEvent"/>
    public EventKind FinalEvent { get; private set; }

    /// <inheritdoc cref="ExchangeRecord.Agents"/>
    public ReadOnlySpan<AgentRecord> Agents => _agents.AsSpan(0, _agentCount);

    /// <inheritdoc cref="ExchangeRecord.Entries"/>
    public ReadOnlySpan<RecordEntry> Entries => _entries.AsSpan(0, _count);

    /// <inheritdoc cref="ExchangeRecord.More"/>
    public int More { get; private set; }

    /// <summary>A life begins. For the one who has rented it, before anybody else knows of it.</summary>
    /// <returns>The life.</returns>
    public int Begin(Exchange exchange, string? host, string? target, string? method)
    {
        (Id, Listener, Route, RouteLabel) = (exchange.Id, exchange.Listener, exchange.Route?.Id, exchange.RouteLabel);
        (Generation, Started, _holders) = (exchange.Generation, exchange.Started, 1);
        (Host, Target, Method) = (Cut(host, MaxNameLength), Cut(target, MaxTargetLength), Cut(method, MaxNameLength));
        return _life;
    }

    /// <summary>What agents are told of whose request it is.</summary>
    public void Describe(int life, RequestMetadata metadata)
    {
        lock (_lock)
        {
            if (IsOpen(life))
            {
                ProxyId = Cut(metadata.RequestId, MaxNameLength);
                Client = Cut(metadata.ClientIp, MaxNameLength);
            }
        }
    }

    /// <summary>Keeps an entry, or counts it when as many are kept as may be.</summary>
    public void Add(int life, in RecordEntry entry)
    {
        lock (_lock)
        {
            if (!IsOpen(life))
            {
                return;
            }

            // Whoever refuses first ends the exchange; while nobody does, the last word counts.
            if (entry.Verdict is { } verdict && Final is not { IsAllow: false })
            {
                (Final, FinalEvent) = (verdict, entry.Event);
            }

            if (_count == MaxEntries)
            {
                More++;
                return;
            }

            if (_count == _entries.Length)
            {
                Array.Resize(ref _entries, _count * 2);
            }

            _entries[_count++] = entry.Response is null || ReferenceEquals(entry.Response, AgentResponse.Allow)
                ? entry
                : entry.With(++_responses > MaxResponses ? null : WithoutBytes(entry.Response));
        }
    }

    /// <summary>Adds an agent's line. For <see cref="Exchange.AddLines"/>.</summary>
    public void Add(in AgentRecord agent)
    {
        if (_agentCount == _agents.Length)
        {
            Array.Resize(ref _agents, _agentCount * 2);
        }

        _agents[_agentCount++] = agent;
    }

    /// <summary>The exchange is accounted. Once; followed by <see cref="Release"/>.</summary>
    public void Close(Exchange exchange, LedgerEntry account, long ended) => (_closed, Account, Ended) = (exchange, account, ended);

    /// <summary>Something that belongs into the record is under way. For one who is known to hold it already.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            _holders++;
        }
    }

    /// <summary>Nothing more comes from one holder. With the last the observers read it, and its memory serves another exchange.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (--_holders > 0)
            {
                return;
            }
        }

        _closed!.AddLines(this);
        observers.OnClosed(new ExchangeRecord(this, _life));
        lock (_lock)
        {
            _life++;
            _entries.AsSpan(0, _count).Clear();
            _agents.AsSpan(0, _agentCount).Clear();
            (_count, _agentCount, _responses, More) = (0, 0, 0, 0);
            (ProxyId, Host, Target, Method, Client, Final, _closed) = (null, null, null, null, null, null, null);
        }

        observers.Return(this);
    }

    // Once nobody holds it any more it does not change: observers read it without a lock.
    private bool IsOpen(int life) => _life == life && _holders > 0;

    // A change of a body may have as many bytes as a frame takes, and the exchange may last for hours.
    private static AgentResponse WithoutBytes(AgentResponse response) =>
        response is { RequestBodyMutation: null, ResponseBodyMutation: null }
        ? response
        : response with { RequestBodyMutation = null, ResponseBodyMutation = null };

    private static string? Cut(string? text, int most) => text?.Length > most ? text[..most] : text;
}
