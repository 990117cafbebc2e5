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
    private readonly Counter<long> _reloads;
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
        _reloads = Meter.CreateCounter<long>("reloads", "{reload}", "Reloads of the configuration ended, by what they came to");
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

    /// <summary>A reload of the configuration ended.</summary>
    /// <param name="outcome">A name of our own enum.</param>
    public void Reloaded(string outcome) => _reloads.Add(1, Tag("outcome", outcome));

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

    /// <summary>Adds the configuration that counts.</summary>
    /// <param name="read">Asked at each scrape.</param>
    public void ObserveConfiguration(Func<ConfigurationFigures> read)
    {
        Meter.CreateObservableGauge(
            "config.generation", () => read().Generation, unit: null, "The number of the model that counts; 1 is that of the start");
        Meter.CreateObservableGauge(
            "config.last_good", () => read().IsLastGood ? 1 : 0, unit: null,
            "1 if the daemon was started with the last good configuration because the one at its place could not be used");
        Meter.CreateObservableGauge(
            "config.last_reload_successful", () => read().IsCurrent ? 1 : 0, unit: null,
            "1 if what was read last counts, 0 if it was refused");
        Meter.CreateObservableGauge(
            "config.last_reload_success_timestamp", () => read().LoadedAt.ToUnixTimeMilliseconds() / 1000.0, "s",
            "When the configuration was read last with success, in seconds since 1970");
    }

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

/// <summary>The configuration that counts, in figures.</summary>
/// <param name="Generation">The number of the model.</param>
/// <param name="LoadedAt">When it was read.</param>
/// <param name="IsCurrent">Whether what was read last counts.</param>
/// <param name="IsLastGood">Whether it is not the one at its place but the last good one.</param>
internal readonly record struct ConfigurationFigures(long Generation, DateTimeOffset LoadedAt, bool IsCurrent, bool IsLastGood);
