using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Listeners;
using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon.Composition;

/// <summary>
/// The listeners there are: they come, are replaced at their place, and go, each without closing a connection under a question.
/// </summary>
/// <remarks>For one change at a time.</remarks>
/// <param name="factory">Makes them.</param>
/// <param name="succession">Knows which are still this daemon's.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Is told of what does not end in order.</param>
internal sealed class ListenerSet(ListenerFactory factory, Succession succession, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    // For closing in order what the drain time was not enough for.
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(1);

    private readonly List<PlacedListener> _first = [];
    private readonly DrainingWork _leaving = new(logger);
    private volatile PlacedListener[] _serving = [];

    /// <summary>How many serve.</summary>
    public int Count => _serving.Length;

    /// <summary>Whether one that was replaced or taken out has not ended.</summary>
    public bool IsDraining => !_leaving.IsEmpty;

    /// <summary>Makes the first ones, before anything else runs: whatever is wrong with their files is said alone.</summary>
    /// <exception cref="IOException">A file that a listener needs cannot be used.</exception>
    public void Create(ConfigurationSnapshot snapshot) => _first.AddRange(snapshot.Listeners.Select(options => Make(options, snapshot)));

    /// <summary>Starts the first ones. Where one cannot, those before it serve all the same until <see cref="StopAsync"/>.</summary>
    /// <exception cref="IOException">A socket cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (var one in _first)
        {
            await one.Listener.StartAsync(cancellation);
            _serving = [.. _serving, one];
        }

        _first.Clear();
    }

    /// <summary>The whole daemon is up: those that listened at the same places before may end.</summary>
    public void Announce() => Array.ForEach(_serving, static one => one.Listener.Announce());

    /// <summary>Why listeners could not follow a change, as far as that can be told without making any.</summary>
    public IEnumerable<string> ProblemsOf(ConfigurationSnapshot before, ConfigurationSnapshot next)
    {
        var (added, gone) = Difference(before, next);
        return added.Select(options => IsStuck(gone, options) ? WhyStuck(options) : ListenerFactory.MissingDirectory(options))
            .OfType<string>();
    }

    /// <summary>Starts what is new or changed beside what there is. When that fails, those before have their places again.</summary>
    /// <param name="before">What was configured before.</param>
    /// <param name="next">What is configured now.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">A socket, or a file that a listener needs, cannot be used.</exception>
    public async Task<ListenerChange> PrepareAsync(ConfigurationSnapshot before, ConfigurationSnapshot next, CancellationToken cancellation)
    {
        var (added, gone) = Difference(before, next);
        if (added.Find(options => IsStuck(gone, options)) is { } stuck)
        {
            throw new IOException(WhyStuck(stuck));
        }

        var (made, backups) = (new List<PlacedListener>(), new List<SocketFileBackup>());
        try
        {
            made.AddRange(added.Select(options => Make(options, next, replaces: IsAt(gone, options))));
            foreach (var one in made)
            {
                if (one.Options.Address is null && IsAt(gone, one.Options))
                {
                    backups.Add(SocketFileBackup.Of(one.Options.Path));
                }

                await one.Listener.StartAsync(cancellation);
            }
        }
        catch
        {
            try
            {
                backups.ForEach(static backup => backup.Restore());
            }
            finally
            {
                made.ForEach(one => Leave(one, next.DrainTimeout));
            }

            throw;
        }

        return new ListenerChange(made, gone, backups);
    }

    /// <summary>
    /// The change has come true: what has been replaced or taken out serves whom it has, lets them go one by one, and ends.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <param name="drain">How long what is to go has for that.</param>
    public void Follow(ListenerChange change, TimeSpan drain)
    {
        change.Backups.ForEach(static backup => backup.Drop());
        _serving = [.. _serving.Except(change.Gone), .. change.Started];
        foreach (var one in change.Gone)
        {
            // Said by us first: what its successor announces is no news then, and does not end the daemon.
            Leave(one, drain);
        }

        change.Started.ForEach(static one => one.Listener.Announce());
    }

    /// <summary>
    /// Stops them all: what proxies ask through first, because as long as they do, agents may register, and operators may look.
    /// </summary>
    /// <param name="exchanges">How long exchanges may take that await their response.</param>
    /// <param name="cancellation">Ends the grace.</param>
    public async Task StopAsync(TimeSpan exchanges, CancellationToken cancellation)
    {
        var forProxies = _serving.ToLookup(
            static one => one.Options.Kind is not (ListenerKind.Admin or ListenerKind.Reverse), static one => one.Listener);
        var stopping = forProxies[true].Select(listener => DrainAndStopAsync(listener, exchanges, cancellation));
        await Task.WhenAll([.. stopping, _leaving.WhenEmptyAsync(exchanges, time)]);
        await Task.WhenAll(forProxies[false].Select(listener => listener.StopAsync(cancellation)));
    }

    /// <summary>Ends what still drains.</summary>
    public ValueTask DisposeAsync() => _leaving.DisposeAsync();

    private void Leave(PlacedListener one, TimeSpan drain)
    {
        one.Listener.Supersede();
        one.Listener.Unlink();
        succession.Leave(one.Options.Place);
        _leaving.Add(LeaveAsync(one.Listener, drain));
    }

    private async Task LeaveAsync(IListener listener, TimeSpan drain)
    {
        using var limit = new CancellationTokenSource(drain + Closing, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _leaving.Stopping);
        await DrainAndStopAsync(listener, drain, end.Token);
    }

    private async Task DrainAndStopAsync(IListener listener, TimeSpan drain, CancellationToken abort)
    {
        using var limit = new CancellationTokenSource(drain, time);
        using var timeIsUp = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, abort);
        await listener.DrainAsync(timeIsUp.Token);
        try
        {
            await listener.StopAsync(abort);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            // What had not ended by then was cut off, as it was to be.
        }
    }

    private (List<ListenerOptions> Added, PlacedListener[] Gone) Difference(ConfigurationSnapshot before, ConfigurationSnapshot next)
    {
        var added = next.Listeners.Where(options => !before.Listeners.Contains(options) || IsReadAnew(options, before, next)).ToList();
        return (added, Array.FindAll(_serving, one => !next.Listeners.Contains(one.Options) || added.Contains(one.Options)));
    }

    private static bool IsStuck(PlacedListener[] gone, ListenerOptions options) => options.HasNoFile && IsAt(gone, options);

    private static string WhyStuck(ListenerOptions stuck) =>
        $"listener {stuck.Name} cannot change while it runs, because nobody can listen on {stuck.Place} beside it; start the daemon "
        + "again, or choose another place";

    private PlacedListener Make(ListenerOptions options, ConfigurationSnapshot snapshot, bool replaces = false) =>
        new(options, factory.Create(options, snapshot, replaces));

    // Its tokens are read when it is made, for the agents that there are then.
    private static bool IsReadAnew(ListenerOptions options, ConfigurationSnapshot before, ConfigurationSnapshot next) =>
        options.Reverse is { TokenFile: not null } reverse && !Admitted(before, reverse).SequenceEqual(Admitted(next, reverse));

    private static IEnumerable<string> Admitted(ConfigurationSnapshot snapshot, ReverseOptions reverse) =>
        snapshot.Agents.Where(reverse.Admits).Select(static agent => agent.Id).Order(StringComparer.Ordinal);

    private static bool IsAt(PlacedListener[] listeners, ListenerOptions options) =>
        Array.Exists(listeners, one => one.Options.Place == options.Place);
}

/// <summary>A listener with what the operator wrote of it.</summary>
internal sealed record PlacedListener(ListenerOptions Options, IListener Listener);

/// <summary>What a change does with listeners.</summary>
/// <param name="Started">Those that have been started for it.</param>
/// <param name="Gone">Those that end by it.</param>
/// <param name="Backups">The socket files whose places have been taken.</param>
internal sealed record ListenerChange(List<PlacedListener> Started, PlacedListener[] Gone, List<SocketFileBackup> Backups);
