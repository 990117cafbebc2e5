using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Composition;

/// <summary>
/// Changes what the daemon does while it runs. A change is refused whole, with every reason, or comes true whole: what is new is started
/// first, then one reference is written, then agents and listeners follow, and what nobody begins with any more drains.
/// </summary>
/// <remarks>Safe from any thread; one change after the other.</remarks>
internal sealed partial class ModelPublisher : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CurrentModel _current;
    private readonly AgentFactory _agents;
    private readonly ListenerSet _listeners;
    private readonly AgentReports _reports;
    private readonly ConfigPusher _pusher;
    private readonly ByteBudget _bodyMemory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DrainingWork _draining;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closing = new();
    private volatile AgentState[] _leaving = [];

    /// <summary>Publishes the first model. Nothing is started.</summary>
    /// <param name="first">What the operator wrote; validated.</param>
    /// <param name="current">Where it is published.</param>
    /// <param name="agents">Makes agents.</param>
    /// <param name="listeners">The listeners.</param>
    /// <param name="reports">Forgets what agents reported that are gone.</param>
    /// <param name="pusher">Tells agents their changed configurations.</param>
    /// <param name="bodyMemory">The bytes of bodies that may be held.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Is told of changes.</param>
    public ModelPublisher(
        ConfigurationSnapshot first, CurrentModel current, AgentFactory agents, ListenerSet listeners, AgentReports reports,
        ConfigPusher pusher, ByteBudget bodyMemory, TimeProvider time, ILogger<ModelPublisher> logger)
    {
        (_current, _agents, _listeners, _reports, _pusher, _bodyMemory, _time, _logger) =
            (current, agents, listeners, reports, pusher, bodyMemory, time, logger);
        _draining = new DrainingWork(logger);
        var changes = Plan(first);
        _current.Publish(ModelBuilder.Build(first, 1, changes));
        changes.ForEach(_agents.Follow);
    }

    /// <summary>Told of each version of an agent that has ended, by their names.</summary>
    public Action<string, string>? Gone { get; init; }

    /// <summary>The agents of the model, and those that are being taken out of service.</summary>
    public IReadOnlyList<AgentState> Agents => [.. _current.Model.Agents, .. _leaving];

    /// <summary>Whether something that a change has made superfluous has not ended.</summary>
    public bool IsDraining => !_draining.IsEmpty || _listeners.IsDraining;

    /// <summary>Begins to connect to the agents of the first model.</summary>
    public void StartAgents()
    {
        foreach (var version in _current.Model.Agents.SelectMany(static agent => agent.Versions))
        {
            version.Pool.Start();
        }
    }

    /// <summary>Changes the model, or says why not; then everything is as it was.</summary>
    /// <param name="change">Makes the new configuration of the one that counts now; the same one leaves all as it is.</param>
    /// <param name="cancellation">Gives the change up, as long as it has not come true.</param>
    /// <returns>Why it is refused; empty when it has come true.</returns>
    public async Task<IReadOnlyList<string>> UpdateAsync(
        Func<ConfigurationSnapshot, ConfigurationSnapshot> change, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token);
        try
        {
            either.Token.ThrowIfCancellationRequested();
            var before = _current.Model.Configuration;
            var next = change(before);
            if (ReferenceEquals(before, next))
            {
                return [];
            }

            var problems = ProblemsOf(before, next);
            return problems.Count > 0 ? Refuse(problems) : await ApplyAsync(next, mayMiss: false, either.Token);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return Refuse(["the daemon stops"]);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Why a change to a configuration would be refused, as far as that can be told without starting anything of it.</summary>
    public IReadOnlyList<string> Check(ConfigurationSnapshot next)
    {
        var before = _current.Model.Configuration;
        return [.. ProblemsOf(before, next), .. _listeners.ProblemsOf(before, next)];
    }

    /// <summary>
    /// Takes one agent out of service: no new exchange gets it, those under way may end, what is left is cancelled, its connections are
    /// closed, and it is gone (spec §9.7). Routes that name it go on without it.
    /// </summary>
    /// <param name="id">The agent.</param>
    /// <param name="abort">Ends the wait for exchanges and calls; the agent is taken out all the same.</param>
    /// <returns>False when there is no such agent.</returns>
    public async Task<bool> RemoveAsync(string id, CancellationToken abort)
    {
        AgentState? agent;
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            agent = _closing.IsCancellationRequested ? null : _current.Model.Agents.FirstOrDefault(agent => agent.Id == id);
            if (agent is not null)
            {
                // Published before anything of it retires; it is in the list of agents until it is gone.
                var without = ModelBuilder.Without(_current.Model.Configuration, id);
                var problems = await ApplyAsync(without, mayMiss: true, CancellationToken.None);
                agent = problems.Count == 0 ? agent : null;
            }
        }
        finally
        {
            _turn.Release();
        }

        await Task.WhenAll(agent?.Versions.Select(version => version.RetireAsync(_time, abort)) ?? []);
        return agent is not null;
    }

    /// <summary>
    /// Changes nothing any more: what is under way is given up, or comes true before this returns; what comes is refused.
    /// </summary>
    public async Task CloseAsync()
    {
        await _closing.CancelAsync();
        await _turn.WaitAsync(CancellationToken.None);
        _turn.Release();
    }

    /// <summary>Whether an agent has a version of this name now.</summary>
    public bool Has(string agent, string version) => Agents.Any(one => one.Id == agent && one.Versions.Any(other => other.Name == version));

    /// <summary>Ends what drains. After <see cref="CloseAsync"/>.</summary>
    public ValueTask DisposeAsync() => _draining.DisposeAsync();

    // What an operator's order has left behind, such as a route without its agent, does not stand in the way of other changes.
    private static IReadOnlyList<string> ProblemsOf(ConfigurationSnapshot before, ConfigurationSnapshot next) =>
        [.. OptionsValidator.Validate(next).Except(OptionsValidator.Validate(before)), .. ModelBuilder.FixedAtStart(before, next)];

    private List<AgentChange> Plan(ConfigurationSnapshot snapshot) => [.. snapshot.Agents.Select(agent => _agents.Plan(agent, snapshot))];

    private async Task<IReadOnlyList<string>> ApplyAsync(ConfigurationSnapshot next, bool mayMiss, CancellationToken cancellation)
    {
        var (before, changes) = (_current.Model, Plan(next));
        var added = changes.SelectMany(static change => change.Added).ToList();
        ListenerChange? listening = null;
        var isPublished = false;
        try
        {
            added.ForEach(static version => version.Pool.Start());
            if (await MissingAsync(changes, cancellation) is { Count: > 0 } missing && !mayMiss)
            {
                return Refuse(missing);
            }

            var model = ModelBuilder.Build(next, before.Generation + 1, changes);
            listening = await _listeners.PrepareAsync(before.Configuration, next, cancellation);
            lock (_gate)
            {
                _leaving = [.. _leaving, .. before.Agents.Except(model.Agents)];
            }

            _current.Publish(model);
            isPublished = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            return Refuse([e.Message]);
        }
        finally
        {
            if (!isPublished)
            {
                await Task.WhenAll(added.Select(static version => version.Pool.CloseAsync(TimeSpan.Zero, CancellationToken.None)));
            }
        }

        changes.ForEach(_agents.Follow);
        _bodyMemory.Within(next.BodyMemory);
        _listeners.Follow(listening, next.DrainTimeout);
        RetireWhatIsGone(before, changes);
        PushWhatChanged(changes);
        Log.Published(_logger, _current.Model.Generation, changes.Count, _current.Model.Routes.Routes.Count, next.Listeners.Count);
        return [];
    }

    // Where an agent that works is to be reached elsewhere, elsewhere must work first. One that is new may be absent, as at the start of
    // the daemon.
    private async Task<List<string>> MissingAsync(List<AgentChange> changes, CancellationToken cancellation)
    {
        var waits = changes.SelectMany(static change => change.Versions, static (change, version) => (Change: change, Version: version))
            .Where(static wait => wait.Version.IsNew && !wait.Change.Options.IsReverse).ToList();
        await Task.WhenAll(
            waits.Select(wait => wait.Version.Version.Pool.Connected.WaitAsync(wait.Version.ConnectTimeout, _time, cancellation)))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        return [.. waits.Where(static wait => wait.Change is { IsNew: false, State.IsAvailable: true }).SelectMany(static wait =>
            Missing(wait.Change.Options.Id, wait.Version.Version.Pool, wait.Version.ConnectTimeout))];
    }

    private static IEnumerable<string> Missing(string agent, ConnectionPool pool, TimeSpan limit)
    {
        if (!pool.Connected.IsCompleted)
        {
            var reasons = string.Concat(pool.Problems.Select(static problem => $"; {problem.Reason}"));
            yield return $"agent {agent} cannot be reached at {string.Join(" and ", pool.Endpoints)} within {limit.TotalSeconds:0.###} s, "
                + $"but works where it is now; start it there first{reasons}";
        }
    }

    private void RetireWhatIsGone(RuntimeModel before, List<AgentChange> changes)
    {
        var kept = changes.SelectMany(static change => change.Versions).Select(static version => version.Version).ToHashSet();
        foreach (var agent in before.Agents)
        {
            if (changes.TrueForAll(change => change.State != agent))
            {
                _agents.Forget(agent.Id);
            }

            foreach (var version in agent.Versions.Where(version => !kept.Contains(version) && !version.IsRetiring))
            {
                _draining.Add(RetireAsync(agent, version));
            }
        }
    }

    private async Task RetireAsync(AgentState agent, AgentVersion version)
    {
        await version.RetireAsync(_time, _draining.Stopping);
        agent.Forget(version);
        Gone?.Invoke(agent.Id, version.Name);
        if (agent.Versions.Count > 0 || _current.Model.Agents.Contains(agent))
        {
            return;
        }

        lock (_gate)
        {
            _leaving = Array.FindAll(_leaving, other => other != agent);
        }

        if (_current.Model.Agents.All(other => other.Id != agent.Id))
        {
            _reports.Forget(agent.Id);
        }
    }

    private void PushWhatChanged(List<AgentChange> changes)
    {
        foreach (var change in changes.Where(static change => change.Before is not null && change.Options.Configuration is not null))
        {
            if (!(change.Before!.Configuration is { } was && JsonElement.DeepEquals(was, change.Options.Configuration!.Value))
                && _pusher.Start(change.State, change.Options.Configuration!.Value, out var error) is null)
            {
                Log.NotPushed(_logger, change.Options.Id, error!);
            }
        }
    }

    private IReadOnlyList<string> Refuse(IReadOnlyList<string> problems)
    {
        foreach (var problem in problems)
        {
            Log.Refused(_logger, _current.Model.Generation, problem);
        }

        return problems;
    }

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Information,
            "model {Generation} counts from now on: {Agents} agents, {Routes} routes, {Listeners} listeners")]
        public static partial void Published(ILogger logger, long generation, int agents, int routes, int listeners);

        [LoggerMessage(21, LogLevel.Warning, "a change is refused and model {Generation} stays: {Problem}")]
        public static partial void Refused(ILogger logger, long generation, string problem);

        [LoggerMessage(22, LogLevel.Warning, "the changed configuration of agent {Agent} is not pushed: {Error}")]
        public static partial void NotPushed(ILogger logger, string agent, string error);
    }
}
