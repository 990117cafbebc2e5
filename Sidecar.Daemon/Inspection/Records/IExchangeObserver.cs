namespace Sidecar.Daemon.Inspection.Records;

/// <summary>Learns of exchanges: metrics, audit, explanations, traces.</summary>
/// <remarks>
/// Called from any thread, on the way of a request: it must be quick, must not block and must not throw. One that throws all the same costs neither the
/// exchange nor the other observers anything; it is counted and logged.
/// </remarks>
internal interface IExchangeObserver
{
    /// <summary>An exchange has reached a listener. For every one of them <see cref="OnClosed"/> follows.</summary>
    /// <param name="listener">The listener.</param>
    void OnBegun(string listener)
    {
    }

    /// <summary>
    /// Something has happened. For those who cannot wait for the end, which with a WebSocket or a stream is hours away; also told of what comes after the end.
    /// </summary>
    /// <param name="listener">The listener of the exchange.</param>
    /// <param name="route">Its route as a label value.</param>
    /// <param name="entry">What happened.</param>
    void OnEntry(string listener, string route, in RecordEntry entry)
    {
    }

    /// <summary>
    /// An exchange is accounted, and the agents that only watch have answered about it. Once for each. What agents are told of its end comes later, and only
    /// <see cref="OnEntry"/> tells how that went.
    /// </summary>
    /// <param name="record">What happened; valid only during this call.</param>
    void OnClosed(in ExchangeRecord record);
}
