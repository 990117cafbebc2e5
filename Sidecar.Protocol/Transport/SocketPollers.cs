using Microsoft.Extensions.Logging;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// The threads that read for a listener's connections: one for every four processors, at most four. Safe from any thread.
/// </summary>
internal sealed class SocketPollers : IAsyncDisposable
{
    private static readonly int Most = Math.Clamp(Environment.ProcessorCount / 4, 1, 4);

    private readonly List<SocketPoller> _pollers = [];
    private int _taken;

    /// <summary>Starts them.</summary>
    /// <param name="name">Theirs.</param>
    /// <param name="logger">Is told of what ends one.</param>
    /// <exception cref="IOException">The process has no descriptors left.</exception>
    public SocketPollers(string name, ILogger logger)
    {
        try
        {
            while (_pollers.Count < Most)
            {
                _pollers.Add(new SocketPoller(name, logger));
            }
        }
        catch
        {
            Stop();
            throw;
        }
    }

    /// <summary>The one for the next connection; one that has ended only where all have.</summary>
    public SocketPoller Next()
    {
        var next = Interlocked.Increment(ref _taken);
        for (var i = 0; ; i++)
        {
            var poller = _pollers[(int)((uint)(next + i) % (uint)_pollers.Count)];
            if (i == _pollers.Count || !poller.Ended.IsCompleted)
            {
                return poller;
            }
        }
    }

    /// <summary>Tells them to end, and with them what is still read by one.</summary>
    public void Stop() => _pollers.ForEach(static poller => poller.Dispose());

    /// <summary>The same, and waits until they have.</summary>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await Task.WhenAll(_pollers.Select(static poller => poller.Ended)).ConfigureAwait(false);
    }
}
