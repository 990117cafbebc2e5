using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon.Composition;

/// <summary>The listeners there are: they come, are replaced at their place, and go, each without closing a connection under a question.</summary>
/// <remarks>For one change at a time.</remarks>
/// <param name="factory">Makes them.</param>
/// <param name="succession">Knows which are still this daemon's.</param>
/// <param name="time">The clock.</param>
internal sealed class ListenerSet(ListenerFactory factory, Succession succession, TimeProvider time)
{
    private readonly List<(ListenerOptions Options, IListener Listener)> _serving = [];
    private readonly List<(ListenerOptions Options, IListener Listener)> _first = [];

    /// <summary>How many serve.</summary>
    public int Count => _serving.Count;

    /// <summary>Makes the first ones, before anything else runs: whatever is wrong with their files is said alone.</summary>
    /// <exception cref="IOException">A file that a listener needs cannot be used.</exception>
    public void Create(IReadOnlyList<ListenerOptions> listeners) => _first.AddRange(listeners.Select(options => (options, factory.Create(options))));

    /// <summary>Starts the first ones. Where one cannot, those before it serve all the same until <see cref="StopAsync"/>.</summary>
    /// <exception cref="IOException">A socket cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (var one in _first)
        {
            await one.Listener.StartAsync(cancellation).ConfigureAwait(false);
            _serving.Add(one);
        }

        _first.Clear();
    }

    /// <summary>The whole daemon is up: those that listened at the same places before may end.</summary>
    public void Announce() => _serving.ForEach(static one => one.Listener.Announce());

    /// <summary>Starts what is new or changed beside what there is. When that fails, everything is as it was.</summary>
    /// <param name="before">What was configured before.</param>
    /// <param name="next">What is configured now.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">A socket, or a file that a listener needs, cannot be used.</exception>
    public async Task<ListenerChange> PrepareAsync(
        IReadOnlyList<ListenerOptions> before, IReadOnlyList<ListenerOptions> next, CancellationToken cancellation)
    {
        var added = next.Except(before).ToList();
        var gone = _serving.FindAll(one => !next.Contains(one.Options));
        if (added.Find(options => options.HasNoFile && gone.Exists(one => one.Options.Place == options.Place)) is { } stuck)
        {
            throw new IOException($"listener {stuck.Name} cannot change while it runs, because nobody can listen on {stuck.Place} beside it; start the daemon again, or choose another place");
        }

        var (made, started) = (new List<(ListenerOptions Options, IListener Listener)>(), new List<(ListenerOptions Options, IListener Listener)>());
        try
        {
            made.AddRange(added.Select(options => (options, factory.Create(options, replaces: IsAt(gone, options)))));
            foreach (var one in made)
            {
                await one.Listener.StartAsync(cancellation).ConfigureAwait(false);
                started.Add(one);
            }
        }
        catch
        {
            made.ForEach(one => succession.Leave(one.Options.Place));
            foreach (var (options, listener) in started)
            {
                if (gone.Find(one => one.Options.Place == options.Place) is { Listener: not null } superseded)
                {
                    // Its place has been taken from it for nothing.
                    await ReplaceAsync(superseded).ConfigureAwait(false);
                }

                await listener.StopAsync(CancellationToken.None).ConfigureAwait(false);
            }

            throw;
        }

        return new ListenerChange(started, gone);
    }

    /// <summary>The change has come true: what has been replaced or taken out serves whom it has, lets them go one by one, and ends.</summary>
    /// <param name="change">The change.</param>
    /// <param name="drain">How long what is to go has for that.</param>
    /// <param name="abort">Ends the wait.</param>
    public async Task Follow(ListenerChange change, TimeSpan drain, CancellationToken abort)
    {
        _serving.RemoveAll(change.Gone.Contains);
        _serving.AddRange(change.Started);
        foreach (var (options, listener) in change.Gone)
        {
            // Said by us first: what its successor announces is no news then, and does not end the daemon.
            listener.Supersede();
            listener.Unlink();
            succession.Leave(options.Place);
        }

        foreach (var (_, listener) in change.Started)
        {
            listener.Announce();
        }

        await Task.WhenAll(change.Gone.Select(one => DrainAndStopAsync(one.Listener, drain, abort))).ConfigureAwait(false);
    }

    /// <summary>
    /// Stops them all: what proxies ask through first, because as long as they do, agents may register, and operators may look.
    /// </summary>
    /// <param name="exchanges">How long exchanges may take that await their response.</param>
    /// <param name="cancellation">Ends the grace.</param>
    public async Task StopAsync(TimeSpan exchanges, CancellationToken cancellation)
    {
        var forProxies = _serving.ToLookup(static one => one.Options.Kind is not (ListenerKind.Admin or ListenerKind.Reverse), static one => one.Listener);
        await Task.WhenAll(forProxies[true].Select(listener => DrainAndStopAsync(listener, exchanges, cancellation))).ConfigureAwait(false);
        await Task.WhenAll(forProxies[false].Select(listener => listener.StopAsync(cancellation))).ConfigureAwait(false);
    }

    private async Task ReplaceAsync((ListenerOptions Options, IListener Listener) before)
    {
        var again = factory.Create(before.Options, replaces: true);
        succession.Leave(before.Options.Place);
        await again.StartAsync(CancellationToken.None).ConfigureAwait(false);
        _serving[_serving.IndexOf(before)] = (before.Options, again);
        await before.Listener.StopAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private async Task DrainAndStopAsync(IListener listener, TimeSpan drain, CancellationToken abort)
    {
        using var limit = new CancellationTokenSource(drain, time);
        using var timeIsUp = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, abort);
        await listener.DrainAsync(timeIsUp.Token).ConfigureAwait(false);
        await listener.StopAsync(abort).ConfigureAwait(false);
    }

    private static bool IsAt(List<(ListenerOptions Options, IListener Listener)> listeners, ListenerOptions options) =>
        listeners.Exists(one => one.Options.Place == options.Place);
}

/// <summary>What a change does with listeners.</summary>
/// <param name="Started">Those that have been started for it.</param>
/// <param name="Gone">Those that end by it.</param>
internal sealed record ListenerChange(
    List<(ListenerOptions Options, IListener Listener)> Started, List<(ListenerOptions Options, IListener Listener)> Gone);
