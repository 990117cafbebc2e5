using System.Diagnostics.Metrics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>The daemon's meter and all of its instruments. Call sites say what happened; names, units and labels live here.</summary>
/// <remarks>Labels are bounded: ids of agents and routes from the configuration, and names of our own enums.</remarks>
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

    public SidecarMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(MeterName);
        _received = _meter.CreateCounter<long>("exchanges.received", "{exchange}", "Exchanges that reached a listener");
        _open = _meter.CreateUpDownCounter<long>("exchanges.open", "{exchange}", "Exchanges that have not ended");
        _replies = _meter.CreateCounter<long>("replies", "{reply}", "Replies fetched in a second step, by what their token was");
        _exchanges = _meter.CreateCounter<long>("exchanges", "{exchange}", "Exchanges ended, by how they are accounted");
        _agentExchanges = _meter.CreateCounter<long>("agent.exchanges", "{exchange}", "Exchanges ended, by agent and direction, by how they are accounted");
        _verdicts = _meter.CreateCounter<long>("verdicts", "{verdict}", "Verdicts given");
        _calls = _meter.CreateCounter<long>("agent.calls", "{call}", "Calls to agents, by outcome");
        _callSeconds = _meter.CreateHistogram("agent.call.duration", "s", "From the call to its end", null, Latency);
        _retries = _meter.CreateCounter<long>("agent.retries", "{call}", "Request headers asked again because their connection died");
        _monitored = _meter.CreateCounter<long>("monitor.verdicts", "{verdict}", "What agents in monitor mode would have decided");
        _unapplied = _meter.CreateCounter<long>("unapplied", "{operation}", "Operations that the front end could not carry");
    }

    /// <summary>An exchange reached a listener.</summary>
    public void ExchangeStarted(string listener)
    {
        _received.Add(1, new KeyValuePair<string, object?>("listener", listener));
        _open.Add(1);
    }

    /// <summary>An exchange ended in its one accounted state.</summary>
    public void ExchangeEnded(string listener, string route, string state, string cause)
    {
        _open.Add(-1);
        _exchanges.Add(1, new("listener", listener), new("route", route), new("state", state), new("cause", cause));
    }

    /// <summary>An agent's part in one direction of an exchange ended.</summary>
    public void AgentExchangeEnded(string agent, string direction, string state, string cause) =>
        _agentExchanges.Add(1, new("agent", agent), new("direction", direction), new("state", state), new("cause", cause));

    /// <summary>A verdict was given.</summary>
    public void VerdictGiven(string route, string verdict) => _verdicts.Add(1, new("route", route), new KeyValuePair<string, object?>("verdict", verdict));

    /// <summary>A call to an agent ended.</summary>
    public void CallEnded(string agent, EventKind kind, string outcome, TimeSpan duration)
    {
        var name = EventName(kind);
        _calls.Add(1, new("agent", agent), new("event", name), new("outcome", outcome));
        _callSeconds.Record(duration.TotalSeconds, new("agent", agent), new KeyValuePair<string, object?>("event", name));
    }

    /// <summary>Request headers are asked again.</summary>
    public void Retried(string agent) => _retries.Add(1, new KeyValuePair<string, object?>("agent", agent));

    /// <summary>An agent in monitor mode answered, or did not.</summary>
    public void Monitored(string agent, string verdict) => _monitored.Add(1, new("agent", agent), new KeyValuePair<string, object?>("verdict", verdict));

    /// <summary>An operation could not be carried.</summary>
    public void Unapplied(string listener, string operation) => _unapplied.Add(1, new("listener", listener), new KeyValuePair<string, object?>("operation", operation));

    /// <summary>A proxy fetched a reply with a token.</summary>
    public void ReplySent(string listener, string token) => _replies.Add(1, new("listener", listener), new KeyValuePair<string, object?>("token", token));

    public void Dispose() => _meter.Dispose();

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
