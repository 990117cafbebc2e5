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

    private readonly Meter _meter;
    private readonly Counter<long> _received;
    private readonly UpDownCounter<long> _open;
    private readonly Counter<long> _replies;
    private readonly Counter<long> _exchanges;
    private readonly Counter<long> _agentExchanges;
    private readonly Counter<long> _verdicts;
    private readonly Counter<long> _calls;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _monitored;
    private readonly Counter<long> _unapplied;
    private readonly Counter<long> _bodyBytes;
    private readonly Counter<long> _registrations;
    private readonly UpDownCounter<long> _sessions;
    private readonly Counter<long> _sessionEnds;

    /// <summary>Creates the meter and its instruments.</summary>
    public SidecarMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(MeterName);
        Agents = new AgentMetrics(_meter);
        _received = _meter.CreateCounter<long>("exchanges.received", "{exchange}", "Exchanges that reached a listener");
        _open = _meter.CreateUpDownCounter<long>("exchanges.open", "{exchange}", "Exchanges that have not ended");
        _replies = _meter.CreateCounter<long>("replies", "{reply}", "Replies fetched in a second step, by what their token was");
        _exchanges = _meter.CreateCounter<long>("exchanges", "{exchange}", "Exchanges ended, by how they are accounted");
        _agentExchanges = _meter.CreateCounter<long>("agent.exchanges", "{exchange}", "Exchanges ended, by agent, direction and how they are accounted");
        _verdicts = _meter.CreateCounter<long>("verdicts", "{verdict}", "Verdicts given");
        _calls = _meter.CreateCounter<long>("agent.calls", "{call}", "Calls to agents, by outcome");
        _retries = _meter.CreateCounter<long>("agent.retries", "{call}", "Request headers asked again because their connection died");
        _monitored = _meter.CreateCounter<long>("monitor.verdicts", "{verdict}", "What agents in monitor mode would have decided");
        _bodyBytes = _meter.CreateCounter<long>("agent.body", "By", "Bytes of bodies that an agent was to see, by whether it did");
        _registrations = _meter.CreateCounter<long>("agent.registrations", "{registration}", "Attempts of agents to register on a reverse listener, by how they ended");
        _sessions = _meter.CreateUpDownCounter<long>("proxy.sessions", "{session}", "Connections that proxies keep open to us");
        _sessionEnds = _meter.CreateCounter<long>("proxy.session.ends", "{session}", "Connections of proxies that ended, by why");
        _unapplied = _meter.CreateCounter<long>("operations.unapplied", "{operation}", "Operations that the front end could not carry");
    }

    /// <summary>The instruments of the pools.</summary>
    public AgentMetrics Agents { get; }

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
    /// <param name="agent">The agent's id.</param>
    /// <param name="kind">The event.</param>
    /// <param name="outcome">How, in one word.</param>
    /// <param name="fate">What that means for the families of the pools.</param>
    /// <param name="duration">From the call to its end.</param>
    public void CallEnded(string agent, EventKind kind, string outcome, CallMetricOutcome fate, TimeSpan duration)
    {
        _calls.Add(1, Tag("agent", agent), Tag("event", EventName(kind)), Tag("outcome", outcome));
        Agents.CallEnded(agent, kind, fate, duration);
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

    /// <summary>Adds the marker of this build.</summary>
    public void ObserveBuild(string version) => _meter.CreateObservableGauge(
        "info", () => new Measurement<int>(1, Tag("version", version)), unit: null, "1; its label names the version that runs");

    /// <summary>Gives the meter back to its factory, which ends it with itself.</summary>
    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    /// <summary>The label value of an event.</summary>
    public static string EventName(EventKind kind) => kind switch
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
