using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Hosting;

/// <summary>The shutdown, step by step: each step has its own limit, and none can keep the next from being taken.</summary>
/// <remarks>It keeps no state, so one may be run more than once.</remarks>
internal sealed class ShutdownSequence
{
    /// <summary>
    /// How long a step is still waited for after its token fired: enough to abort what is left, remove files and kill processes.
    /// </summary>
    public static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(1);

    private readonly ShutdownStep[] _steps;
    private readonly TimeProvider _time;
    private readonly ILogger<ShutdownSequence> _logger;

    /// <summary>Takes the steps in the order in which they run.</summary>
    /// <exception cref="ArgumentException">A step has a limit that is not above zero.</exception>
    public ShutdownSequence(IEnumerable<ShutdownStep> steps, TimeProvider time, ILogger<ShutdownSequence> logger)
    {
        (_steps, _time, _logger) = ([.. steps], time, logger);
        if (Array.Find(_steps, step => step.Limit <= TimeSpan.Zero) is { } bad)
        {
            throw new ArgumentException($"the shutdown step '{bad.Name}' has the limit {bad.Limit}; it must be above zero", nameof(steps));
        }
    }

    /// <summary>The longest that steps take, one after the other. TimeoutStopSec of the unit must be above it.</summary>
    public static TimeSpan LimitOf(IEnumerable<ShutdownStep> steps) =>
        steps.Aggregate(TimeSpan.Zero, static (sum, step) => sum + step.Limit + AbortLimit);

    /// <summary>Takes all steps. Never throws.</summary>
    /// <param name="abort">
    /// Fires when there is no more patience (a second signal): the step under way is aborted, and those left start with a token that has
    /// fired and get <see cref="AbortLimit"/> each.
    /// </param>
    public async Task<ShutdownReport> RunAsync(CancellationToken abort)
    {
        var start = _time.GetTimestamp();
        var results = new List<ShutdownStepResult>(_steps.Length);
        foreach (var step in _steps)
        {
            results.Add(await TakeAsync(step, abort));
        }

        return new ShutdownReport(results, _time.GetElapsedTime(start));
    }

    private async Task<ShutdownStepResult> TakeAsync(ShutdownStep step, CancellationToken abort)
    {
        HostingLog.StepStarted(_logger, step.Name, step.Limit);
        var start = _time.GetTimestamp();
        using var limit = new CancellationTokenSource(step.Limit, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, abort);
        var token = stop.Token;

        // On the pool, so that a step that blocks before its first await does not block the sequence.
        var work = Task.Run(() => step.RunAsync(token), CancellationToken.None);
        await work.WaitAsync(token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!work.IsCompleted)
        {
            await work.WaitAsync(AbortLimit, _time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!work.IsCompleted)
        {
            _ = ObserveAsync(work, step.Name);
        }

        return Judge(step, work, _time.GetElapsedTime(start), limit.IsCancellationRequested, abort.IsCancellationRequested);
    }

    private ShutdownStepResult Judge(ShutdownStep step, Task work, TimeSpan elapsed, bool limitReached, bool isCut)
    {
        if (work.IsFaulted)
        {
            var error = work.Exception.InnerException ?? work.Exception;
            HostingLog.StepFailed(_logger, error, step.Name, elapsed);
            return new ShutdownStepResult(step.Name, ShutdownOutcome.Failed, elapsed, error);
        }

        // Also when it then ended without an error: what it had to abort did not finish.
        if (limitReached)
        {
            HostingLog.StepTimedOut(_logger, step.Name, step.Limit);
            return new ShutdownStepResult(step.Name, ShutdownOutcome.TimedOut, elapsed);
        }

        if (work.IsCompletedSuccessfully)
        {
            HostingLog.StepDone(_logger, step.Name, elapsed);
            return new ShutdownStepResult(step.Name, ShutdownOutcome.Done, elapsed);
        }

        if (isCut)
        {
            HostingLog.StepCut(_logger, step.Name, elapsed);
            return new ShutdownStepResult(step.Name, ShutdownOutcome.Cut, elapsed);
        }

        var cancelled = new TaskCanceledException(work);
        HostingLog.StepFailed(_logger, cancelled, step.Name, elapsed);
        return new ShutdownStepResult(step.Name, ShutdownOutcome.Failed, elapsed, cancelled);
    }

    private async Task ObserveAsync(Task work, string step)
    {
        try
        {
            await work;
        }
        catch (OperationCanceledException)
        {
            // It obeyed, if late.
        }
        catch (Exception e)
        {
            HostingLog.StepFailedLate(_logger, e, step);
        }
    }
}

/// <summary>One step of the shutdown.</summary>
/// <param name="Name">What it does, as the log says it: "stop accepting".</param>
/// <param name="Limit">How long it may take before its token fires; more than zero.</param>
/// <param name="RunAsync">
/// Does it. When the token fires it aborts what is left and returns within <see cref="ShutdownSequence.AbortLimit"/>. On a isCut stop the
/// token may have fired before the step starts; it still does what needs no waiting.
/// </param>
internal sealed record ShutdownStep(string Name, TimeSpan Limit, Func<CancellationToken, Task> RunAsync);

/// <summary>What became of one step of a shutdown.</summary>
/// <param name="Name">The step.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Elapsed">How long it was waited for.</param>
/// <param name="Error">What it threw, with <see cref="ShutdownOutcome.Failed"/> only.</param>
internal sealed record ShutdownStepResult(string Name, ShutdownOutcome Outcome, TimeSpan Elapsed, Exception? Error = null);

/// <summary>How a step of the shutdown ended.</summary>
internal enum ShutdownOutcome
{
    /// <summary>It finished in time.</summary>
    Done,

    /// <summary>Its limit ran out and it was told to abort; it may or may not have obeyed.</summary>
    TimedOut,

    /// <summary>It threw, or it cancelled itself without having been told to.</summary>
    Failed,

    /// <summary>The stop was isCut while it ran, or before.</summary>
    Cut,
}

/// <summary>What became of each step of a shutdown, in order.</summary>
internal sealed record ShutdownReport(IReadOnlyList<ShutdownStepResult> Steps, TimeSpan Elapsed)
{
    /// <summary>Whether every step finished in time and without an error.</summary>
    public bool IsClean => Steps.All(step => step.Outcome == ShutdownOutcome.Done);
}

/// <summary>
/// How long each step of the shutdown may take: what the host and the service manager must wait for is computed from the same numbers.
/// </summary>
internal sealed class ShutdownTimes(ConfigurationSnapshot options)
{
    /// <summary>
    /// After the listeners are shut nothing new reaches the agents, so what is left is the news that exchanges are complete, 5 s; an agent
    /// that was given a drain timeout of its own has that.
    /// </summary>
    public static readonly TimeSpan AfterListeners = TimeSpan.FromSeconds(5);

    // So that an agent whose time is up is closed in order, with its calls cancelled, before the step is cut.
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(1);

    // For what is outside of the steps.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, TimeSpan> _own = options.Agents.Where(static agent => agent.Pool.DrainTimeout is not null)
        .ToDictionary(static agent => agent.Id, static agent => agent.Pool.DrainTimeout!.Value, StringComparer.Ordinal);

    /// <summary>For requests under way.</summary>
    public TimeSpan Listeners => options.DrainTimeout;

    /// <summary>
    /// For exchanges that await their response; the rest of <see cref="Listeners"/> is for closing in order when that was not enough.
    /// </summary>
    public TimeSpan Exchanges => Listeners - (Listeners > 2 * Closing ? Closing : Listeners / 2);

    /// <summary>For the calls of all agents, which drain at the same time.</summary>
    public TimeSpan Agents => options.Agents.Select(agent => DrainOf(agent.Id)).Append(TimeSpan.Zero).Max() + Closing;

    /// <summary>All of it. The unit's TimeoutStopSec is made of the defaults; for more the service manager is asked.</summary>
    public TimeSpan Total => ShutdownSequence.LimitOf(Steps(Nothing, Nothing, Nothing)) + Rest;

    /// <summary>What the unit says (TimeoutStopSec): above all of it, in full five seconds.</summary>
    public TimeSpan OfUnit => TimeSpan.FromSeconds(5 * (Math.Floor(Total.TotalSeconds / 5) + 1));

    /// <summary>The steps in the order in which they run, each with its time.</summary>
    /// <param name="listeners">Stops what proxies and agents connect to.</param>
    /// <param name="background">Ends what no request waits for.</param>
    /// <param name="agents">Closes the connections of all agents.</param>
    public IReadOnlyList<ShutdownStep> Steps(
        Func<CancellationToken, Task> listeners, Func<CancellationToken, Task> background, Func<CancellationToken, Task> agents) =>
    [
        new("listeners", Listeners, listeners),
        new("background calls", AfterListeners, background),
        new("agent connections", Agents, agents),
    ];

    /// <summary>For the calls of one agent.</summary>
    public TimeSpan DrainOf(string agent) => _own.GetValueOrDefault(agent, AfterListeners);

    private static Task Nothing(CancellationToken abort) => Task.CompletedTask;
}
