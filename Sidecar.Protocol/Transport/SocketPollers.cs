namespace Sidecar.Protocol.Transport;

/// <summary>The threads that read for a listener's connections: one for every four processors, at most four. Safe from any thread.</summary>
/// <param name="name">Theirs.</param>
/// <exception cref="IOException">The process has no descriptors left.</exception>
internal sealed class SocketPollers(string name) : IAsyncDisposable
{
    private static readonly int Count = Math.Clamp(Environment.ProcessorCount / 4, 1, 4);

    private readonly SocketPoller[] _pollers = [.. Enumerable.Range(0, Count).Select(_ => new SocketPoller(name))];
    private int _taken;

    /// <summary>The one for the next connection.</summary>
    public SocketPoller Next() => _pollers[(int)((uint)Interlocked.Increment(ref _taken) % (uint)_pollers.Length)];

    /// <summary>Ends them, and waits until they have; what is still read by one ends with it.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var poller in _pollers)
        {
            poller.Dispose();
        }

        await Task.WhenAll(_pollers.Select(static poller => poller.Ended)).ConfigureAwait(false);
    }
}
