using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>An exchange that waits in a directory for its next phase; a front end adds what it keeps.</summary>
internal class JoinedExchange
{
    private const int Closed = -1;

    private volatile bool _awaitsResponse;
    private int _inWork;

    public JoinedExchange(Exchange exchange)
    {
        Exchange = exchange;
        exchange.IsJoined = true;
    }

    /// <summary>The exchange.</summary>
    public Exchange Exchange { get; }

    /// <summary>Whether the proxy was told that agents want the response, and has not asked about it yet.</summary>
    public bool AwaitsResponse
    {
        get => _awaitsResponse;
        set => _awaitsResponse = value;
    }

    /// <summary>What agents want of it that has not come: should that come when it has made way for others, it is of an exchange that nobody knows.</summary>
    public EventSet Awaited { get; set; }

    /// <summary>Whether it was refused: whoever goes on with it all the same is not one of those that are covered.</summary>
    public bool IsRefused { get; set; }

    /// <summary>Its place among those that may make way for others; the directory's own.</summary>
    internal LinkedListNode<CorrelationId>? Place { get; set; }

    /// <summary>Something is told of it; every true is paired with <see cref="Leave"/>. False when it has made way.</summary>
    public bool TryEnter()
    {
        for (var seen = Volatile.Read(ref _inWork); seen != Closed;)
        {
            var before = Interlocked.CompareExchange(ref _inWork, seen + 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>That is answered.</summary>
    public void Leave() => Interlocked.Decrement(ref _inWork);

    /// <summary>Lets nothing more enter; false when something is in work, or it was closed before.</summary>
    internal bool TryClose() => Interlocked.CompareExchange(ref _inWork, Closed, 0) == 0;
}
