using System.Diagnostics.Metrics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>
/// The daemon's meter with the instruments of listeners and of the build. Call sites say what happened; names, units and labels live here.
/// </summary>
/// <remarks>
/// Safe from any thread; recording does not allocate. Labels are bounded: ids of agents and routes from the configuration, and names of our
/// own enums. <see cref="PrometheusExporter"/> turns the names into those that Prometheus sees: <c>agent.call.duration</c> in <c>s</c> into
/// <c>sidecar_agent_call_duration_seconds</c>.
/// </remarks>
internal sealed class SidecarMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Sidecar";

    private readonly Counter<long> _replies;
    private readonly Counter<long> _registrations;
    private readonly UpDownCounter<long> _sessions;
    private readonly Counter<long> _sessionEnds;

    /// <summary>Creates the meter and its instruments.</summary>
    public SidecarMetrics(IMeterFactory factory)
    {
        Meter = factory.Create(MeterName);
        Agents = new AgentMetrics(Meter);
        _replies = Meter.CreateCounter<long>("replies", "{reply}", "Replies fetched in a second step, by what their token was");
        _registrations = Meter.CreateCounter<long>("agent.registrations", "{registration}",
            "Attempts of agents to register on a reverse listener, by how they ended");
        _sessions = Meter.CreateUpDownCounter<long>("proxy.sessions", "{session}", "Connections that proxies keep open to us");
        _sessionEnds = Meter.CreateCounter<long>("proxy.session.ends", "{session}", "Connections of proxies that ended, by why");
    }

    /// <summary>The meter, for the instruments of rooms above.</summary>
    public Meter Meter { get; }

    /// <summary>The instruments of the pools.</summary>
    public AgentMetrics Agents { get; }

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
    public void ObserveBuild(string version) => Meter.CreateObservableGauge(
        "info", () => new Measurement<int>(1, Tag("version", version)), unit: null, "1; its label names the version that runs");

    /// <summary>Adds the count of observers' failures.</summary>
    /// <param name="read">Asked at each scrape.</param>
    public void ObserveFailures(Func<long> read) => Meter.CreateObservableCounter(
        "observer.failures", read, "{failure}", "Failures of observers to take note of an exchange, which affect no exchange");

    /// <summary>Gives the meter back to its factory, which ends it with itself.</summary>
    public void Dispose() => Meter.Dispose();

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
