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
    public bool AwaitsResponse { get => _awaitsResponse; set => _awaitsResponse = value; }

    /// <summary>
    /// What agents want of it that has not come: should that come when it has made way for others, it is of an exchange that nobody knows.
    /// </summary>
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

/// <summary>
/// The other daemons at the same listener while one takes over from another: each knows the exchanges that began with it, and the proxy
/// asks about their responses whomever its connection leads to. Safe from any thread.
/// </summary>
internal interface IExchangeRelay
{
    /// <summary>Whether there is another daemon now. While there is none, no question need be kept for it.</summary>
    bool IsOpen { get; }

    /// <summary>From now on other daemons may ask this front end.</summary>
    void Serve(IRelayedFrontEnd frontEnd);

    /// <summary>Asks whether another daemon knows an exchange, and hands it the question if so.</summary>
    /// <param name="key">The proxy's id of the exchange.</param>
    /// <param name="question">
    /// The question, in a form that front ends of this kind understand; must stay as it is until the answer is there.
    /// </param>
    /// <param name="deadline">
    /// When the phase's time is up, a timestamp. An eighth of what is left may be spent on finding out who knows it: 20 ms of HAProxy's
    /// 160.
    /// </param>
    /// <param name="gone">Fires when nobody waits for the answer any more.</param>
    /// <returns>The answer; null when nobody knows the exchange, or did not say so or answer in time.</returns>
    ValueTask<byte[]?> AskAsync(string key, ReadOnlyMemory<byte> question, long deadline, CancellationToken gone);
}

/// <summary>A front end as another daemon asks it. Safe from any thread.</summary>
internal interface IRelayedFrontEnd
{
    /// <summary>Whether an exchange of this id is open here. Does not wait.</summary>
    bool Knows(string key);

    /// <summary>Answers a question that came to another daemon.</summary>
    /// <param name="question">As <see cref="IExchangeRelay.AskAsync"/> was given it; valid until the answer is there.</param>
    /// <param name="budget">What is left of the phase's time.</param>
    /// <param name="gone">Fires when nobody waits for the answer any more.</param>
    /// <returns>The answer; null when the question cannot be understood.</returns>
    ValueTask<byte[]?> AnswerAsync(ReadOnlyMemory<byte> question, TimeSpan budget, CancellationToken gone);
}
