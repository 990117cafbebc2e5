using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>
/// Brings configurations to connections: one attempt of a push, or one connection that came late. Keeps no state of its own.
/// </summary>
internal sealed class ConfigDelivery(ConfigPushSettings settings, TimeProvider time)
{
    private const string Unlooked =
        "accepted, though the agent does not state the feature config_push: one that has no use for configurations accepts every one";

    private int _sends;

    /// <summary>How an attempt ended.</summary>
    internal enum Outcome
    {
        /// <summary>Every connection has it.</summary>
        Done,

        /// <summary>The agent refused it.</summary>
        Refused,

        /// <summary>Somebody did not answer; another attempt may succeed.</summary>
        Missed,
    }

    /// <summary>
    /// Sends a push to every connection of the agent that has not accepted it yet: to one first, and to the others when that one has
    /// accepted it, so that a bad configuration meets one connection only, and none with calls on it where it would end them. From then on
    /// new connections are given it too.
    /// </summary>
    public async Task<(Outcome Outcome, string? Reason)> AttemptAsync(ConfigPush push, CancellationToken stopping)
    {
        var live = OpenOf(push.Agent);
        if (live.Count == 0)
        {
            return (Outcome.Missed, "no connection to the agent is open");
        }

        push.Sent();
        if (push.Before is null)
        {
            if (await TryAsync(push, stopping) is { Outcome: not Outcome.Done } trial)
            {
                return trial;
            }

            // Another connection each time: one that hangs must not decide for all.
            var first = live[(push.Reading.Attempts - 1) % live.Count];
            var end = await SendAsync(first, push.Agent, push.Value, push.Id, stopping);
            if (end.Outcome != Outcome.Done)
            {
                return end;
            }

            push.Adopt();
        }

        return await SendToOthersAsync(push, stopping);
    }

    // Where a refusal ends the connection, it must be none that carries calls.
    private static async Task<(Outcome Outcome, string? Reason)> TryAsync(ConfigPush push, CancellationToken stopping)
    {
        foreach (var dialer in push.Agent.Versions.SelectMany(version => version.Pool.TrialsOf(push.Value)))
        {
            try
            {
                var connection = await dialer.DialAsync(NoSink.Instance, stopping);
                await connection.DisposeAsync();
            }
            catch (AgentUnreachableException e)
            {
                return (e.Problem == DialProblem.ConfigurationRefused ? Outcome.Refused : Outcome.Missed,
                    $"a connection to try it on: {e.Message}");
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return (Outcome.Missed, "the daemon stops");
            }
        }

        return (Outcome.Done, null);
    }

    /// <summary>Sends a configuration to one connection and waits for the agent's answer.</summary>
    public async Task<(Outcome Outcome, string? Reason)> SendAsync(
        PooledConnection pooled, AgentState agent, ConfigurationValue value, string name, CancellationToken stopping)
    {
        var connection = pooled.Connection;
        var deadline = time.GetTimestamp() + (long)(settings.AckTimeout.TotalSeconds * time.TimestampFrequency);

        // An id of its own for each, because an answer that is owed to an earlier attempt must not be taken for this one's.
        var id = CorrelationId.Parse($"{name}.{Interlocked.Increment(ref _sends)}");
        var message = new ConfigureEvent { Config = value.Value, ConfigVersion = value.Version, CorrelationId = id };
        CallResult result;
        using (stopping.UnsafeRegister(_ => connection.Cancel(id, CancelReason.ProxyShutdown), null))
        {
            while (true)
            {
                result = await connection.CallAsync(message, deadline);
                if (result.Outcome != CallOutcome.NoRoom || time.GetTimestamp() >= deadline || stopping.IsCancellationRequested)
                {
                    break;
                }

                await Task.Delay(settings.SlotWait, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        if (result.Response is not { } response)
        {
            return (Outcome.Missed, $"connection {connection.Id}: {result.Detail ?? result.Outcome.Name()}");
        }

        if (response.Decision is AllowDecision)
        {
            agent.Configuration.NoteGiven(connection, value);
            return (Outcome.Done, null);
        }

        return (Outcome.Refused,
            $"connection {connection.Id}: the agent refused it: {(response.Decision as BlockDecision)?.Body ?? "no reason given"}");
    }

    private async Task<(Outcome Outcome, string? Reason)> SendToOthersAsync(ConfigPush push, CancellationToken stopping)
    {
        var (agent, value) = (push.Agent, push.Value);
        var live = OpenOf(agent);
        var missing = live.FindAll(pooled => !agent.Configuration.WasGiven(pooled.Connection, value));
        var ends = await Task.WhenAll(missing.Select(pooled => SendAsync(pooled, agent, value, push.Id, stopping)));
        push.Accepted(live.Count(pooled => agent.Configuration.WasGiven(pooled.Connection, value)));
        if (Array.Find(ends, static end => end.Outcome == Outcome.Refused) is { Reason: { } refused })
        {
            // One process took it and another did not: refused as a whole, the old one stays (rule 7).
            await GoBackAsync(push, stopping);
            return (Outcome.Refused, refused);
        }

        // A connection that ended meanwhile needs nothing: the one in its place is given the new configuration.
        var missed = missing.Zip(ends).Where(static pair => pair.Second.Outcome == Outcome.Missed && pair.First.Connection.IsOpen)
            .Select(static pair => pair.Second.Reason).FirstOrDefault();
        return missed is not null ? (Outcome.Missed, missed)
            : (Outcome.Done, live.TrueForAll(static pooled => pooled.Connection.Capabilities.Features.ConfigPush) ? null : Unlooked);
    }

    private static List<PooledConnection> OpenOf(AgentState agent) =>
        [.. agent.Connections.Where(static pooled => pooled.Connection.IsOpen)];

    private async Task GoBackAsync(ConfigPush push, CancellationToken stopping)
    {
        var (agent, before) = (push.Agent, push.Before!);
        agent.Configuration.Replace(before);
        if (before.Value is not null)
        {
            var having = agent.Connections.Where(pooled => agent.Configuration.WasGiven(pooled.Connection, push.Value));
            await Task.WhenAll(having.Select(pooled => SendAsync(pooled, agent, before, push.Id + ".back", stopping)));
        }
    }
}
