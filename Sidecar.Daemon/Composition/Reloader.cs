using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.Composition;

/// <summary>Reads the configuration again and has the publisher follow it, whole or not at all (rule 7).</summary>
/// <remarks>Nothing is read before <see cref="Open"/>: what is asked for during the start waits for its end.</remarks>
internal sealed partial class Reloader : IReloads
{
    /// <summary>What is answered where there is nothing to read.</summary>
    public const string NoFile = "there is no file to reload: the daemon was started from flags alone; start it again with other ones";

    // Lines in the log for one reload; a file may have thousands of mistakes.
    private const int MostLines = 20;

    private readonly ConfigurationStart _start;
    private readonly ModelPublisher _publisher;
    private readonly Func<RuntimeModel> _model;
    private readonly SidecarMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly GuardedRead<ConfigurationReading> _read;
    private readonly GuardedRead<ConfigurationReading> _readToTry;
    private readonly FoldedWork<ReloadResult> _reloads;
    private readonly FoldedWork<ReloadResult> _tries;
    private readonly FoldedWork<bool> _keeping;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SystemdNotifier? _notifier;
    private volatile ReloadState _state;
    private volatile IReadOnlyList<FileText> _good = [];

    /// <summary>Nothing is read yet.</summary>
    /// <param name="start">Where the configuration came from.</param>
    /// <param name="publisher">Changes what the daemon does.</param>
    /// <param name="model">The model that counts.</param>
    /// <param name="lastGood">Keeps what counts, for a start whose own configuration cannot be used.</param>
    /// <param name="metrics">Counts reloads.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Is told what reloads come to.</param>
    public Reloader(
        ConfigurationStart start, ModelPublisher publisher, Func<RuntimeModel> model, LastGood lastGood, SidecarMetrics metrics,
        TimeProvider time, ILogger<Reloader> logger)
    {
        (_start, _publisher, _model, _metrics, _time, _logger) = (start, publisher, model, metrics, time, logger);
        _state = new ReloadState(start.Source?.Place ?? "the command line", time.GetUtcNow(), null)
        {
            LastGoodBecause = start.LastGoodBecause is { } why ? $"{why[0]}{(why.Count > 1 ? $" (and {why.Count - 1} more)" : "")}" : null,
        };
        _read = new GuardedRead<ConfigurationReading>(time, () => start.Source!.Read());
        _readToTry = new GuardedRead<ConfigurationReading>(time, () => start.Source!.Read());
        _reloads = new FoldedWork<ReloadResult>(RunAsync);
        _tries = new FoldedWork<ReloadResult>(cause => AttemptAsync(cause, isTry: true));
        _keeping = new FoldedWork<bool>(_ =>
        {
            lastGood.Keep(_good);
            return Task.FromResult(true);
        });
    }

    /// <inheritdoc/>
    public ReloadState State => _state;

    /// <summary>The same in figures.</summary>
    public ConfigurationFigures Figures
    {
        get
        {
            var state = _state;
            return new(_model().Generation, state.LoadedAt, state.IsCurrent, state.LastGoodBecause is not null);
        }
    }

    /// <inheritdoc/>
    public Task<ReloadResult> ReloadAsync(string cause) => _reloads.RequestAsync(cause);

    /// <inheritdoc/>
    public Task<ReloadResult> TryAsync() => _tries.RequestAsync("try");

    /// <summary>The daemon is up, and reloads may begin.</summary>
    public void Open()
    {
        foreach (var problem in (_start.LastGoodBecause ?? []).Take(MostLines))
        {
            Log.LastGood(_logger, _state.Place, problem);
        }

        _ = KeepAsync(_start.Texts);
        _opened.TrySetResult();
    }

    /// <summary>The service manager is told of reloads from now on; null tells it nothing more, because the daemon stops.</summary>
    public void Tell(SystemdNotifier? notifier) => _notifier = notifier;

    private async Task<ReloadResult> RunAsync(string cause)
    {
        await _opened.Task;
        _notifier?.Reloading();
        var result = await AttemptAsync(cause, isTry: false);
        Say(result);
        if (_start.HasFiles)
        {
            _metrics.Reloaded(result.Outcome.ToString().ToLowerInvariant());
            _state = result.Outcome == ReloadOutcome.Refused
                ? _state with { Last = result }
                : new ReloadState(_state.Place, result.At, result);
        }

        _notifier?.Ready(DaemonService.StatusOf(_model()));
        return result;
    }

    private async Task<ReloadResult> AttemptAsync(string cause, bool isTry)
    {
        try
        {
            await _opened.Task;
            return _start is { HasFiles: true, Source: { } source }
                ? await FollowAsync(await ReadAsync(source, isTry ? _readToTry : _read), cause, isTry)
                : Result(cause, ReloadOutcome.Refused) with { Errors = [NoFile] };
        }
        catch (Exception e)
        {
            // Whatever is wrong with a reload, the daemon goes on with what it has.
            Log.Failed(_logger, e, cause);
            return Result(cause, ReloadOutcome.Refused) with { Errors = [$"the reload failed: {e.Message}"] };
        }
    }

    private async Task<ReloadResult> FollowAsync(ConfigurationReading reading, string cause, bool isTry)
    {
        if (reading.Snapshot is null || reading.Errors.Count > 0)
        {
            return Result(cause, ReloadOutcome.Refused) with { Errors = reading.Errors, Warnings = reading.Warnings };
        }

        var plan = _start.Fit(reading.Snapshot);
        var difference = ConfigurationDifference.Between(_model().Configuration, plan.Options);
        IReadOnlyList<string> problems = plan.Error is { } error ? [error]
            : !isTry ? await _publisher.UpdateAsync(Next, CancellationToken.None)
            : difference.IsEmpty ? []
            : _publisher.Check(plan.Options);
        var outcome = problems.Count > 0 ? ReloadOutcome.Refused
            : difference.IsEmpty ? ReloadOutcome.Unchanged
            : ReloadOutcome.Applied;
        if (!isTry && outcome != ReloadOutcome.Refused)
        {
            _ = KeepAsync(reading.Texts);
        }

        return Result(cause, outcome) with
        {
            Difference = difference,
            Errors = problems,
            Warnings = plan.Warning is { } lowered ? [.. reading.Warnings, lowered] : reading.Warnings,
        };

        // What counts may have changed until it is this change's turn.
        ConfigurationSnapshot Next(ConfigurationSnapshot before) =>
            (difference = ConfigurationDifference.Between(before, plan.Options)).IsEmpty ? before : plan.Options;
    }

    private static async Task<ConfigurationReading> ReadAsync(IConfigurationSource source, GuardedRead<ConfigurationReading> read)
    {
        var (reading, problem) = await read.TryAsync(CancellationToken.None);
        return reading ?? new(null, [$"{source.Place} {problem}; look at the file system that it and what it includes are on"], []);
    }

    // Not waited for: a disk that hangs holds up no reload.
    private Task<bool> KeepAsync(IReadOnlyList<FileText> texts)
    {
        _good = texts;
        return _keeping.RequestAsync("");
    }

    private ReloadResult Result(string cause, ReloadOutcome outcome) => new(cause, _time.GetUtcNow(), outcome, _model().Generation);

    private void Say(ReloadResult result)
    {
        if (!_start.HasFiles)
        {
            Log.Warning(_logger, result.Cause, NoFile);
            return;
        }

        foreach (var warning in result.Warnings.Take(MostLines))
        {
            Log.Warning(_logger, result.Cause, warning);
        }

        foreach (var error in result.Errors.Take(MostLines))
        {
            Log.Refused(_logger, result.Cause, result.Generation, error);
        }

        if (Math.Max(result.Errors.Count, result.Warnings.Count) - MostLines is > 0 and var more)
        {
            Log.More(_logger, result.Cause, more);
        }

        if (result.Outcome == ReloadOutcome.Applied)
        {
            Log.Applied(_logger, result.Cause, result.Generation, result.Difference!);
        }
        else if (result.Outcome == ReloadOutcome.Unchanged)
        {
            // A watch reads again what nobody asked for.
            Log.Unchanged(
                _logger, result.Cause == ConfigurationWatch.Cause ? LogLevel.Debug : LogLevel.Information, result.Cause, result.Generation);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(30, LogLevel.Information, "reload ({Cause}): model {Generation} counts; {Difference}")]
        public static partial void Applied(ILogger logger, string cause, long generation, ConfigurationDifference difference);

        [LoggerMessage(EventId = 31, Message = "reload ({Cause}): nothing has changed, model {Generation} stays")]
        public static partial void Unchanged(ILogger logger, LogLevel level, string cause, long generation);

        [LoggerMessage(32, LogLevel.Error, "reload ({Cause}) is refused and model {Generation} stays: {Problem}")]
        public static partial void Refused(ILogger logger, string cause, long generation, string problem);

        [LoggerMessage(33, LogLevel.Warning, "reload ({Cause}): {Warning}")]
        public static partial void Warning(ILogger logger, string cause, string warning);

        [LoggerMessage(34, LogLevel.Warning, "reload ({Cause}): {More} more lines; 'sidecar reload --dry-run' shows all")]
        public static partial void More(ILogger logger, string cause, int more);

        [LoggerMessage(38, LogLevel.Warning, "the configuration {Place} cannot be used; the last good one counts until it can be: {Problem}")]
        public static partial void LastGood(ILogger logger, string place, string problem);

        [LoggerMessage(35, LogLevel.Error, "reload ({Cause}) failed")]
        public static partial void Failed(ILogger logger, Exception exception, string cause);
    }
}
