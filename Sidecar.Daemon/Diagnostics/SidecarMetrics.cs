using System.Diagnostics.Metrics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>The daemon's meter and all of its instruments. Call sites say what happened; names, units and labels live here.</summary>
/// <remarks>
/// Safe from any thread; recording does not allocate. Labels are bounded: ids of agents and routes from the configuration, and names of our
/// own enums. <see cref="PrometheusExporter"/> turns the names into those that Prometheus sees: <c>agent.call.duration</c> in <c>s</c> into
/// <c>sidecar_agent_call_duration_seconds</c>.
/// </remarks>
internal sealed class SidecarMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Sidecar";

    private static readonly InstrumentAdvice<double> Latency = new()
    {
        HistogramBucketBoundaries = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    };

    private readonly Meter _meter;
    private readonly Counter<long> _received;
    private readonly UpDownCounter<long> _open;
    private readonly Counter<long> _replies;
    private readonly Counter<long> _exchanges;
    private readonly Counter<long> _agentExchanges;
    private readonly Counter<long> _verdicts;
    private readonly Counter<long> _calls;
    private readonly Histogram<double> _callSeconds;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _monitored;
    private readonly Counter<long> _unapplied;
    private readonly Counter<long> _bodyBytes;
    private readonly Counter<long> _registrations;
    private readonly UpDownCounter<long> _sessions;
    private readonly Counter<long> _sessionEnds;
    private bool _agentsObserved;
    private bool _poolsObserved;

    /// <summary>Creates the meter and its instruments.</summary>
    public SidecarMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(MeterName);
        _received = _meter.CreateCounter<long>("exchanges.received", "{exchange}", "Exchanges that reached a listener");
        _open = _meter.CreateUpDownCounter<long>("exchanges.open", "{exchange}", "Exchanges that have not ended");
        _replies = _meter.CreateCounter<long>("replies", "{reply}", "Replies fetched in a second step, by what their token was");
        _exchanges = _meter.CreateCounter<long>("exchanges", "{exchange}", "Exchanges ended, by how they are accounted");
        _agentExchanges = _meter.CreateCounter<long>("agent.exchanges", "{exchange}", "Exchanges ended, by agent, direction and how they are accounted");
        _verdicts = _meter.CreateCounter<long>("verdicts", "{verdict}", "Verdicts given");
        _calls = _meter.CreateCounter<long>("agent.calls", "{call}", "Calls to agents, by outcome");
        _callSeconds = _meter.CreateHistogram("agent.call.duration", "s", "From the call to its end", null, Latency);
        _retries = _meter.CreateCounter<long>("agent.retries", "{call}", "Request headers asked again because their connection died");
        _monitored = _meter.CreateCounter<long>("monitor.verdicts", "{verdict}", "What agents in monitor mode would have decided");
        _bodyBytes = _meter.CreateCounter<long>("agent.body", "By", "Bytes of bodies that an agent was to see, by whether it did");
        _registrations = _meter.CreateCounter<long>("agent.registrations", "{registration}", "Attempts of agents to register on a reverse listener, by how they ended");
        _sessions = _meter.CreateUpDownCounter<long>("proxy.sessions", "{session}", "Connections that proxies keep open to us");
        _sessionEnds = _meter.CreateCounter<long>("proxy.session.ends", "{session}", "Connections of proxies that ended, by why");
        _unapplied = _meter.CreateCounter<long>("operations.unapplied", "{operation}", "Operations that the front end could not carry");
    }

    /// <summary>An exchange reached a listener.</summary>
    public void ExchangeStarted(string listener)
    {
        _received.Add(1, Tag("listener", listener));
        _open.Add(1);
    }

    /// <summary>An exchange ended in its one accounted state.</summary>
    public void ExchangeEnded(string listener, string route, string state, string cause)
    {
        _open.Add(-1);

        // More than three tags as an array would allocate on each call; as a span they stay on the stack.
        ReadOnlySpan<KeyValuePair<string, object?>> tags =
        [
            Tag("listener", listener),
            Tag("route", route),
            Tag("state", state),
            Tag("cause", cause),
        ];
        _exchanges.Add(1, tags);
    }

    /// <summary>An agent's part in one direction of an exchange ended.</summary>
    public void AgentExchangeEnded(string agent, string direction, string state, string cause)
    {
        ReadOnlySpan<KeyValuePair<string, object?>> tags =
        [
            Tag("agent", agent),
            Tag("direction", direction),
            Tag("state", state),
            Tag("cause", cause),
        ];
        _agentExchanges.Add(1, tags);
    }

    /// <summary>A verdict was given.</summary>
    public void VerdictGiven(string route, string verdict) => _verdicts.Add(1, Tag("route", route), Tag("verdict", verdict));

    /// <summary>A call to an agent ended.</summary>
    public void CallEnded(string agent, EventKind kind, string outcome, TimeSpan duration)
    {
        var name = EventName(kind);
        _calls.Add(1, Tag("agent", agent), Tag("event", name), Tag("outcome", outcome));
        _callSeconds.Record(duration.TotalSeconds, Tag("agent", agent), Tag("event", name));
    }

    /// <summary>Request headers are asked again.</summary>
    public void Retried(string agent) => _retries.Add(1, Tag("agent", agent));

    /// <summary>An agent in monitor mode answered, or did not.</summary>
    public void Monitored(string agent, string verdict) => _monitored.Add(1, Tag("agent", agent), Tag("verdict", verdict));

    /// <summary>A body has ended.</summary>
    /// <param name="agent">The agent that was to see it.</param>
    /// <param name="direction">Which body.</param>
    /// <param name="seen">Bytes it was shown.</param>
    /// <param name="missed">Bytes that passed it by.</param>
    public void BodyBytes(string agent, string direction, long seen, long missed)
    {
        if (seen > 0)
        {
            _bodyBytes.Add(seen, Tag("agent", agent), Tag("direction", direction), Tag("fate", "seen"));
        }

        if (missed > 0)
        {
            _bodyBytes.Add(missed, Tag("agent", agent), Tag("direction", direction), Tag("fate", "missed"));
        }
    }

    /// <summary>An operation could not be carried.</summary>
    public void Unapplied(string listener, string operation) => _unapplied.Add(1, Tag("listener", listener), Tag("operation", operation));

    /// <summary>An attempt to register ended. It names no agent: the peer may claim any id.</summary>
    /// <param name="listener">The reverse listener.</param>
    /// <param name="outcome">A name of our own enum.</param>
    public void Registered(string listener, string outcome) => _registrations.Add(1, Tag("listener", listener), Tag("outcome", outcome));

    /// <summary>A proxy opened a long-lived connection.</summary>
    public void SessionStarted(string listener) => _sessions.Add(1, Tag("listener", listener));

    /// <summary>A connection of a proxy ended.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="reason">Why: a bounded set of words.</param>
    public void SessionEnded(string listener, string reason)
    {
        _sessions.Add(-1, Tag("listener", listener));
        _sessionEnds.Add(1, Tag("listener", listener), Tag("reason", reason));
    }

    /// <summary>A proxy fetched a reply with a token.</summary>
    public void ReplySent(string listener, string token) => _replies.Add(1, Tag("listener", listener), Tag("token", token));

    /// <summary>Adds the gauges of the agents.</summary>
    /// <param name="agents">
    /// The agents as they are now: open connections, calls that wait for an answer, and whether the agent takes calls. Asked once per gauge
    /// and scrape, on the scraping thread: it must not block. Each agent once; one that is gone is no longer shown.
    /// </param>
    /// <exception cref="InvalidOperationException">The agents are observed already; a second observer would show them twice.</exception>
    public void ObserveAgents(Func<IEnumerable<(string Agent, int Connections, int InFlight, bool Available)>> agents)
    {
        if (Interlocked.Exchange(ref _agentsObserved, true))
        {
            throw new InvalidOperationException("The agents are observed already; give the one observer all of them.");
        }

        _meter.CreateObservableGauge(
            "agent.connections",
            () => agents().Select(agent => new Measurement<int>(agent.Connections, Tag("agent", agent.Agent))),
            "{connection}",
            "Connections to the agent that are open");
        _meter.CreateObservableGauge(
            "agent.in_flight",
            () => agents().Select(agent => new Measurement<int>(agent.InFlight, Tag("agent", agent.Agent))),
            "{call}",
            "Calls to the agent that wait for an answer");
        _meter.CreateObservableGauge(
            "agent.available",
            () => agents().Select(agent => new Measurement<int>(agent.Available ? 1 : 0, Tag("agent", agent.Agent))),
            unit: null,
            "1 if the agent takes calls, 0 if not");
    }

    /// <summary>Adds the gauges of what lets calls to agents through.</summary>
    /// <param name="pools">
    /// The agents as they are now. Asked once per gauge and scrape, on the scraping thread: it must not block. Each agent once.
    /// </param>
    /// <exception cref="InvalidOperationException">The pools are observed already.</exception>
    public void ObservePools(Func<IEnumerable<PoolObservation>> pools)
    {
        if (Interlocked.Exchange(ref _poolsObserved, true))
        {
            throw new InvalidOperationException("The pools are observed already; give the one observer all of them.");
        }

        Gauge("agent.state", null, "0 pending, 1 available, 2 degraded, 3 paused, 4 draining, 5 unhealthy", static pool => pool.State);
        Gauge("agent.breaker", null, "The circuit breaker: 0 closed, 1 half-open, 2 open", static pool => pool.Breaker);
        Gauge("agent.calls.running", "{call}", "Calls that hold one of the agent's slots", static pool => pool.Running);
        Gauge("agent.calls.waiting", "{call}", "Calls that wait for a slot or a connection", static pool => pool.Waiting);
        Gauge("agent.connections.available", "{connection}", "Connections that take new exchanges", static pool => pool.Available);
        Gauge("agent.connections.paused", "{connection}", "Connections on which the agent asks to be sent nothing", static pool => pool.Paused);

        void Gauge(string name, string? unit, string description, Func<PoolObservation, int> value) => _meter.CreateObservableGauge(
            name, () => pools().Select(pool => new Measurement<int>(value(pool), Tag("agent", pool.Agent))), unit, description);
    }

    /// <summary>Gives the meter back to its factory, which ends it with itself.</summary>
    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private static string EventName(EventKind kind) => kind switch
    {
        EventKind.RequestHeaders => "request_headers",
        EventKind.RequestBodyChunk => "request_body_chunk",
        EventKind.ResponseHeaders => "response_headers",
        EventKind.ResponseBodyChunk => "response_body_chunk",
        EventKind.RequestComplete => "request_complete",
        EventKind.WebSocketFrame => "websocket_frame",
        EventKind.GuardrailInspect => "guardrail_inspect",
        EventKind.Configure => "configure",
        _ => "none",
    };
}
