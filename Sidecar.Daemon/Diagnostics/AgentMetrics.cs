using System.Diagnostics.Metrics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>
/// The instruments of the pools: the families of spec §9.11, each with the label <c>agent</c>, and what agents send by themselves.
/// </summary>
/// <remarks>
/// Safe from any thread; recording does not allocate. With the prefix <c>zentinel</c> the names are those of the specification. Its three
/// families about correlation affinities are missing: affinity is a field of the session here, so there is no table that could be full.
/// </remarks>
/// <param name="meter">Where the instruments are made.</param>
internal sealed class AgentMetrics(Meter meter)
{
    // Spec §9.11.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
    };

    private readonly Counter<long> _requests = meter.CreateCounter<long>("agent.requests", "{event}", "Events sent to agents");
    private readonly Counter<long> _responses =
        meter.CreateCounter<long>("agent.responses", "{answer}", "Answers received from agents in time");
    private readonly Counter<long> _timeouts = meter.CreateCounter<long>("agent.timeouts", "{call}", "Calls that timed out");
    private readonly Counter<long> _connectionErrors =
        meter.CreateCounter<long>("agent.connection.errors", "{call}", "Calls whose connection failed or was closed");
    private readonly Counter<long> _serializationErrors =
        meter.CreateCounter<long>("agent.serialization.errors", "{event}", "Events that could not be encoded within the agent's limits");
    private readonly Counter<long> _pauses =
        meter.CreateCounter<long>("agent.flow_control.pauses", "{signal}", "Signals of agents to send nothing");
    private readonly Counter<long> _resumes =
        meter.CreateCounter<long>("agent.flow_control.resumes", "{signal}", "Signals of agents to go on");
    private readonly Counter<long> _flowRejections = meter.CreateCounter<long>(
        "agent.flow_control.rejections", "{event}", "Events refused or skipped because the agent had asked to be sent nothing");
    private readonly Histogram<double> _requestSeconds =
        meter.CreateHistogram("agent.request.duration", "s", "From the call to its answer or its end", null, Seconds);
    private readonly Histogram<double> _serializationSeconds =
        meter.CreateHistogram("agent.serialization", "s", "Time to encode an event; one event of sixteen is measured", null, Seconds);
    private readonly Counter<long> _reports =
        meter.CreateCounter<long>("agent.reports", "{report}", "Metrics reports received from agents");
    private readonly Counter<long> _reportDropped =
        meter.CreateCounter<long>("agent.reports.dropped", "{series}", "Series of metrics reports that are not shown, by the reason");
    private readonly Counter<long> _pushes =
        meter.CreateCounter<long>("agent.config.pushes", "{push}", "Configuration pushes ended, by state");
    private readonly Counter<long> _updateRequests = meter.CreateCounter<long>(
        "agent.config.requests", "{request}", "Configuration update requests of agents, by type and whether they were accepted");
    private bool _observed;

    /// <summary>A call has ended.</summary>
    /// <param name="agent">The agent's id.</param>
    /// <param name="version">The name of its version.</param>
    /// <param name="kind">The event.</param>
    /// <param name="fate">How.</param>
    /// <param name="duration">From the call to its end.</param>
    public void CallEnded(string agent, string version, EventKind kind, CallMetricOutcome fate, TimeSpan duration)
    {
        var (agentTag, versionTag, eventTag) = (Tag("agent", agent), Tag("version", version), Tag("event", SidecarMetrics.EventName(kind)));
        _requestSeconds.Record(duration.TotalSeconds, agentTag, versionTag, eventTag);
        if (fate is CallMetricOutcome.Answered or CallMetricOutcome.TimedOut or CallMetricOutcome.ConnectionError
            or CallMetricOutcome.Withdrawn)
        {
            _requests.Add(1, agentTag, versionTag, eventTag);
        }

        switch (fate)
        {
            case CallMetricOutcome.Answered:
                _responses.Add(1, agentTag, versionTag);
                break;
            case CallMetricOutcome.TimedOut:
                _timeouts.Add(1, agentTag, versionTag, eventTag);
                break;
            case CallMetricOutcome.ConnectionError:
                _connectionErrors.Add(1, agentTag, versionTag);
                break;
            case CallMetricOutcome.SerializationError:
                _serializationErrors.Add(1, agentTag, versionTag);
                break;
            case CallMetricOutcome.FlowControl:
                _flowRejections.Add(1, agentTag, versionTag);
                break;
        }
    }

    /// <summary>An event was encoded.</summary>
    public void Encoded(string agent, TimeSpan duration) => _serializationSeconds.Record(duration.TotalSeconds, Tag("agent", agent));

    /// <summary>The agent asked to be sent nothing, or to go on.</summary>
    public void FlowControl(string agent, FlowAction action)
    {
        if (action != FlowAction.UpdateCapacity)
        {
            (action == FlowAction.Pause ? _pauses : _resumes).Add(1, Tag("agent", agent));
        }
    }

    /// <summary>A metrics report has come.</summary>
    public void Reported(string agent) => _reports.Add(1, Tag("agent", agent));

    /// <summary>Series of a report are not shown.</summary>
    public void ReportDropped(string agent, string reason, long series) =>
        _reportDropped.Add(series, Tag("agent", agent), Tag("reason", reason));

    /// <summary>A configuration push has ended.</summary>
    public void PushEnded(string agent, string state) => _pushes.Add(1, Tag("agent", agent), Tag("state", state));

    /// <summary>An agent asked for something about its configuration.</summary>
    public void UpdateRequested(string agent, string type, bool accepted) =>
        _updateRequests.Add(1, Tag("agent", agent), Tag("type", type), Tag("accepted", accepted ? "true" : "false"));

    /// <summary>Adds the gauges of the agents.</summary>
    /// <param name="agents">
    /// The agents as they are now. Asked once per gauge and scrape, on the scraping thread: it must not block. Each agent once; one that is
    /// gone is no longer shown.
    /// </param>
    /// <exception cref="InvalidOperationException">The agents are observed already; a second observer would show them twice.</exception>
    public void Observe(Func<IEnumerable<AgentSnapshot>> agents)
    {
        if (Interlocked.Exchange(ref _observed, true))
        {
            throw new InvalidOperationException("The agents are observed already; give the one observer all of them.");
        }

        void Gauge<T>(string name, string? unit, string description, Func<AgentSnapshot, T> read)
            where T : struct => meter.CreateObservableGauge(
                name, () => agents().Select(
                    agent => new Measurement<T>(read(agent), Tag("agent", agent.Agent), Tag("version", agent.Version))), unit, description);

        Gauge("agent.connections", "{connection}", "Connections to the agent that are open", static agent => agent.Connections);
        Gauge(
            "agent.healthy_connections", "{connection}", "Connections to the agent that take new exchanges", static agent => agent.Healthy);
        Gauge("agent.paused_connections", "{connection}", "Connections on which the agent asks to be sent nothing",
            static agent => agent.Paused);
        Gauge("agent.in_flight_requests", "{call}", "Calls to the agent that wait for an answer", static agent => agent.InFlight);
        Gauge("agent.calls.running", "{call}", "Calls that hold one of the agent's slots", static agent => agent.Running);
        Gauge("agent.calls.limit", "{call}", "Calls that may hold one of the agent's slots, by how long it takes",
            static agent => agent.Limit);
        Gauge("agent.calls.waiting", "{call}", "Calls that wait for a slot or a connection", static agent => agent.Waiting);
        Gauge("agent.buffer_utilization", "%", "How full the queue of calls that wait to be sent is", static agent => agent.QueuePercent);
        Gauge("agent.available", null, "1 if the agent takes calls, 0 if not", static agent => agent.IsAvailable ? 1 : 0);
        Gauge("agent.state", null, "0 pending, 1 available, 2 degraded, 3 paused, 4 draining, 5 unhealthy", static agent => agent.State);
        Gauge("agent.breaker", null, "The circuit breaker: 0 closed, 1 half-open, 2 open", static agent => agent.Breaker);
        Gauge("agent.sticky_sessions", "{session}", "Sessions of clients that keep to a connection", static agent => agent.StickySessions);

        meter.CreateObservableCounter(
            "agent.calls.shed",
            () => agents().Select(
                static agent => new Measurement<long>(agent.Shed, Tag("agent", agent.Agent), Tag("version", agent.Version))),
            "{call}", "Calls refused before they were sent because they could not have been answered in time");

        // The versions of an agent share its memory.
        meter.CreateObservableGauge(
            "agent.held_body",
            () => agents().DistinctBy(static agent => agent.Agent)
                .Select(static agent => new Measurement<long>(agent.BodyBuffer, Tag("agent", agent.Agent))),
            "By", "Bytes of bodies held for the agent");
        meter.CreateObservableCounter(
            "agent.sticky_session.changes", () => agents().SelectMany(StickyChanges), "{session}",
            "Sessions of clients that moved to another connection, expired, made room for others or were cleared");
    }

    private static IEnumerable<Measurement<long>> StickyChanges(AgentSnapshot agent)
    {
        Measurement<long> Of(string change, long count) =>
            new(count, Tag("agent", agent.Agent), Tag("version", agent.Version), Tag("change", change));
        return
        [
            Of("cleared", agent.StickyCleared), Of("evicted", agent.StickyEvicted), Of("expired", agent.StickyExpired),
            Of("moved", agent.StickyMoved),
        ];
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}

/// <summary>What a call's end means for the families of spec §9.11.</summary>
internal enum CallMetricOutcome
{
    /// <summary>Nothing was sent, for a reason that has no family of its own.</summary>
    Unsent,

    /// <summary>The agent answered, well or badly.</summary>
    Answered,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>The connection failed or was closed during the call.</summary>
    ConnectionError,

    /// <summary>The event could not be encoded, or not within the agent's limits.</summary>
    SerializationError,

    /// <summary>The agent had asked to be sent nothing.</summary>
    FlowControl,

    /// <summary>It was sent and then no longer wanted.</summary>
    Withdrawn,
}
