using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Control.Documents;
using Sidecar.Daemon.Inspection.Ledger;

namespace Sidecar.Daemon.Control;

/// <summary>
/// Makes the documents of the admin listener. Each is made of one look; they are as long as the configuration, not as the traffic.
/// </summary>
internal sealed class AdminPages(DaemonView daemon)
{
    /// <summary><c>/status</c>.</summary>
    public StatusDocument Status()
    {
        var agents = Agents().Agents;
        var exchanges = Sum(daemon.Exchanges.Read());
        return new StatusDocument
        {
            Daemon = AdminJson.DaemonName,
            Version = daemon.Version,
            Pid = Environment.ProcessId,
            StartedAt = daemon.StartedAt,
            UptimeSeconds = Math.Round((daemon.Time.GetUtcNow() - daemon.StartedAt).TotalSeconds, 3),
            Warnings = [
                .. Warnings.Of(daemon.Reloads.State, daemon.Model().Generation, daemon.Model().Configuration),
                .. Warnings.Of(agents, Removed(), exchanges, ConfigPushes(), daemon.BodyMemory, daemon.Time.GetUtcNow()),
                .. daemon.ListenerWarnings.All],
            Configuration = Configuration(daemon.Reloads.State),
            Listeners = [.. daemon.Model().Configuration.Listeners.Select(static listener => new ListenerDocument(
                listener.Name, listener.Kind.ToString().ToLowerInvariant(), listener.Place))],
            Agents = agents,
            Exchanges = exchanges,
            HeldBodyBytes = daemon.BodyMemory.Used,
            HeldBodyLimit = daemon.BodyMemory.Limit,
        };
    }

    private ConfigurationDocument Configuration(ReloadState state) => new(
        state.Place, daemon.Model().Generation, state.LoadedAt, state.IsCurrent, daemon.IsDraining(),
        state.Last is { } last ? ReloadEndpoint.Of(last) : null);

    // One that came back is there.
    private IReadOnlyList<(string Agent, DateTimeOffset Since)> Removed()
    {
        var there = daemon.Model().Agents;
        return [.. daemon.Removals.List().Where(removal => there.All(agent => agent.Id != removal.Agent))];
    }

    /// <summary><c>/agents</c>.</summary>
    public AgentsDocument Agents() => new() { Daemon = AdminJson.DaemonName, Agents = [.. daemon.Agents().Select(AgentPages.Of)] };

    /// <summary><c>/sessions</c>.</summary>
    public SessionsDocument Sessions() => new()
    {
        Daemon = AdminJson.DaemonName,
        Exchanges = [.. daemon.Exchanges.Read().Select(static row => new RouteExchangesDocument(row.Listener, row.Route, Sum([row])))],
        Sticky = [.. daemon.Agents().Select(StickyEndpoint.CountsOf)],
    };

    /// <summary><c>/config-pushes</c>.</summary>
    public ConfigPushesDocument ConfigPushes() => new()
    {
        Daemon = AdminJson.DaemonName,
        Pushes = [.. daemon.Pusher.List().Select(Of)],
        UpdateRequests = [.. daemon.Updates.List().Select(static request => new UpdateRequestDocument(
            request.Agent, request.Connection, request.RequestId, request.Type, request.Detail, request.IsAccepted, request.Error,
            request.IsReplied, request.Received))],
    };

    /// <summary>One push; null when there is none of this id.</summary>
    public ConfigPushDocument? ConfigPush(string id) => daemon.Pusher.Find(id) is { } push ? Of(push) : null;

    /// <summary>A push as operators see it.</summary>
    public static ConfigPushDocument Of(ConfigPushReading push) =>
        new(
            push.Id, push.Agent, ConfigPushLabels.Of(push.State), push.Reason is { Length: > 0 } reason ? reason : null, push.Version,
            push.Attempts, push.Accepted, push.Created, push.Ended);

    private static ExchangesDocument Sum(IReadOnlyList<ExchangeCount> rows)
    {
        long Of(LedgerState state) => rows.Sum(row => row.Of(state));
        return new ExchangesDocument(
            rows.Sum(static row => row.Received), rows.Sum(static row => row.Open), Of(LedgerState.Inspected), Of(LedgerState.Refused),
            Of(LedgerState.Abandoned), Of(LedgerState.Partly), Of(LedgerState.Bypassed), Of(LedgerState.NotSubject));
    }
}
