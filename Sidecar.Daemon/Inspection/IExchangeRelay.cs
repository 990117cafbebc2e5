namespace Sidecar.Daemon.Inspection;

/// <summary>
/// The other daemons at the same listener while one takes over from another: each knows the exchanges that began with it, and the proxy asks
/// about their responses whomever its connection leads to. Safe from any thread.
/// </summary>
internal interface IExchangeRelay
{
    /// <summary>Whether there is another daemon now. While there is none, no question need be kept for it.</summary>
    bool IsOpen { get; }

    /// <summary>From now on other daemons may ask this front end.</summary>
    void Serve(IRelayedFrontEnd frontEnd);

    /// <summary>Asks whether another daemon knows an exchange, and hands it the question if so.</summary>
    /// <param name="key">The proxy's id of the exchange.</param>
    /// <param name="question">The question, in a form that front ends of this kind understand; must stay as it is until the answer is there.</param>
    /// <param name="deadline">
    /// When the phase's time is up, a timestamp. An eighth of what is left may be spent on finding out who knows it: 20 ms of HAProxy's 160.
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
