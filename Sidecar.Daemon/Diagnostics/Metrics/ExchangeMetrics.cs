using System.Diagnostics.Metrics;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.Diagnostics.Metrics;

/// <summary>The instruments of the exchanges. Safe from any thread; recording does not allocate.</summary>
/// <remarks>
/// What an exchange comes to is counted when it is closed: how it and its agents' parts are accounted, and the bytes of its bodies. What
/// happens in it is counted when it happens: one with a WebSocket or a stream lasts for hours, in which an operator must see timeouts,
/// refusals and edits that have no effect, and not hours of them in one scrape. Calls that tell agents of the end come after the record in
/// any case.
/// </remarks>
/// <param name="metrics">The daemon's meter, on which the instruments are made, and those of the calls.</param>
internal sealed class ExchangeMetrics(SidecarMetrics metrics) : IExchangeObserver
{
    private readonly Counter<long> _received =
        metrics.Meter.CreateCounter<long>("exchanges.received", "{exchange}", "Exchanges that reached a listener");
    private readonly UpDownCounter<long> _open =
        metrics.Meter.CreateUpDownCounter<long>("exchanges.open", "{exchange}", "Exchanges that have not ended");
    private readonly Counter<long> _exchanges =
        metrics.Meter.CreateCounter<long>("exchanges", "{exchange}", "Exchanges ended, by how they are accounted");
    private readonly Counter<long> _agentExchanges = metrics.Meter.CreateCounter<long>(
        "agent.exchanges", "{exchange}", "Exchanges ended, by agent, direction and how they are accounted");
    private readonly Counter<long> _verdicts = metrics.Meter.CreateCounter<long>("verdicts", "{verdict}", "Verdicts given");
    private readonly Counter<long> _calls = metrics.Meter.CreateCounter<long>("agent.calls", "{call}", "Calls to agents, by outcome");
    private readonly Counter<long> _retries =
        metrics.Meter.CreateCounter<long>("agent.retries", "{call}", "Request headers asked again because their connection died");
    private readonly Counter<long> _monitored =
        metrics.Meter.CreateCounter<long>("monitor.verdicts", "{verdict}", "What agents in monitor mode would have decided");
    private readonly Counter<long> _bodyBytes =
        metrics.Meter.CreateCounter<long>("agent.body", "By", "Bytes of bodies that an agent was to see, by whether it did");
    private readonly Counter<long> _unapplied =
        metrics.Meter.CreateCounter<long>("operations.unapplied", "{operation}", "Operations that the front end could not carry");

    /// <inheritdoc/>
    public void OnBegun(string listener)
    {
        _received.Add(1, Tag("listener", listener));
        _open.Add(1);
    }

    /// <inheritdoc/>
    public void OnEntry(string listener, string route, in RecordEntry entry)
    {
        switch (entry.Kind)
        {
            case RecordKind.Call:
                CountCall(entry);
                break;
            case RecordKind.Verdict:
                _verdicts.Add(1, Tag("route", route), Tag("verdict", entry.Verdict!.Kind.Label()));
                break;
            case RecordKind.WouldBe:
                _monitored.Add(1, Tag("agent", entry.Agent!), Tag("version", entry.Version!), Tag("verdict", entry.Label!));
                break;
            case RecordKind.Unapplied:
                _unapplied.Add(1, Tag("listener", listener), Tag("operation", entry.Label!));
                break;
            case RecordKind.Skipped:
                break;
        }
    }

    /// <inheritdoc/>
    public void OnClosed(in ExchangeRecord record)
    {
        foreach (ref readonly var agent in record.Agents)
        {
            if (agent is { Version: { } version, Mode: AgentMode.Enforce })
            {
                // An agent that was not asked about the request is named too: nobody should have to guess who stayed silent.
                CountPart(agent.Agent, version, "request", agent.Request);
                if (agent.Response.State != LedgerState.NotSubject)
                {
                    CountPart(agent.Agent, version, "response", agent.Response);
                }

                CountBytes(agent.Agent, version, "request", agent.RequestBody);
                CountBytes(agent.Agent, version, "response", agent.ResponseBody);
            }
        }

        _open.Add(-1);
        var account = record.Account;

        // More than three tags as an array would allocate on each call; as a span they stay on the stack.
        ReadOnlySpan<KeyValuePair<string, object?>> tags =
        [
            Tag("listener", record.Listener),
            Tag("route", record.RouteLabel),
            Tag("state", account.Label),
            Tag("cause", account.Cause.Label()),
        ];
        _exchanges.Add(1, tags);
    }

    private void CountCall(in RecordEntry call)
    {
        ReadOnlySpan<KeyValuePair<string, object?>> tags =
        [
            Tag("agent", call.Agent!),
            Tag("version", call.Version!),
            Tag("event", SidecarMetrics.EventName(call.Event)),
            Tag("outcome", call.Outcome.Name()),
        ];
        _calls.Add(1, tags);
        metrics.Agents.CallEnded(call.Agent!, call.Version!, call.Event, call.Outcome.Fate(), call.Times.Took);
        if (call.IsRetry)
        {
            _retries.Add(1, Tag("agent", call.Agent!), Tag("version", call.Version!));
        }
    }

    private void CountPart(string agent, string version, string direction, LedgerEntry line)
    {
        ReadOnlySpan<KeyValuePair<string, object?>> tags =
        [
            Tag("agent", agent),
            Tag("version", version),
            Tag("direction", direction),
            Tag("state", line.Label),
            Tag("cause", line.Cause.Label()),
        ];
        _agentExchanges.Add(1, tags);
    }

    private void CountBytes(string agent, string version, string direction, BodyRecord body)
    {
        CountBytes(agent, version, direction, "seen", body.Seen);
        CountBytes(agent, version, direction, "missed", body.Missed);
    }

    private void CountBytes(string agent, string version, string direction, string fate, long bytes)
    {
        if (bytes > 0)
        {
            ReadOnlySpan<KeyValuePair<string, object?>> tags =
                [Tag("agent", agent), Tag("version", version), Tag("direction", direction), Tag("fate", fate)];
            _bodyBytes.Add(bytes, tags);
        }
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
