using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection.Records;

/// <summary>Learns of exchanges: metrics, audit, explanations, traces.</summary>
/// <remarks>
/// Called from any thread, on the way of a request: it must be quick, must not block and must not throw. One that throws all the same costs
/// neither the exchange nor the other observers anything; it is counted and logged.
/// </remarks>
internal interface IExchangeObserver
{
    /// <summary>An exchange has reached a listener. For every one of them <see cref="OnClosed"/> follows.</summary>
    /// <param name="listener">The listener.</param>
    void OnBegun(string listener)
    {
    }

    /// <summary>
    /// Something has happened. For those who cannot wait for the end, which with a WebSocket or a stream is hours away; also told of what
    /// comes after the end.
    /// </summary>
    /// <param name="listener">The listener of the exchange.</param>
    /// <param name="route">Its route as a label value.</param>
    /// <param name="entry">What happened.</param>
    void OnEntry(string listener, string route, in RecordEntry entry)
    {
    }

    /// <summary>
    /// An exchange is accounted, and the agents that only watch have answered about it. Once for each. What agents are told of its end
    /// comes later, and only <see cref="OnEntry"/> tells how that went.
    /// </summary>
    /// <param name="record">What happened; valid only during this call.</param>
    void OnClosed(in ExchangeRecord record);
}

/// <summary>All observers of the exchanges, and the recorders that they read. Safe from any thread; never throws.</summary>
/// <param name="observers">The observers, called in this order.</param>
/// <param name="time">The clock of the log's pace.</param>
/// <param name="logger">Is told of observers that throw.</param>
internal sealed class ExchangeObservers(IEnumerable<IExchangeObserver> observers, TimeProvider time, ILogger<ExchangeObservers> logger)
{
    // As many as are open at once on a busy listener without a response phase. Those beyond are made when needed.
    private readonly BoundedPool<ExchangeRecorder> _pool = new(1024);
    private readonly IExchangeObserver[] _observers = [.. observers];
    private readonly LogThrottle _throttle = new(time);
    private long _failures;

    /// <summary>How often an observer threw.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>A recorder for one exchange.</summary>
    public ExchangeRecorder Rent() => _pool.TryRent() ?? new ExchangeRecorder(this);

    /// <summary>Takes a recorder back whose life has ended.</summary>
    public void Return(ExchangeRecorder recorder) => _pool.Return(recorder);

    /// <inheritdoc cref="IExchangeObserver.OnBegun"/>
    public void OnBegun(string listener)
    {
        foreach (var observer in _observers)
        {
            try
            {
                observer.OnBegun(listener);
            }
            catch (Exception e)
            {
                Note(observer, e);
            }
        }
    }

    /// <inheritdoc cref="IExchangeObserver.OnEntry"/>
    public void OnEntry(string listener, string route, in RecordEntry entry)
    {
        foreach (var observer in _observers)
        {
            try
            {
                observer.OnEntry(listener, route, entry);
            }
            catch (Exception e)
            {
                Note(observer, e);
            }
        }
    }

    /// <inheritdoc cref="IExchangeObserver.OnClosed"/>
    public void OnClosed(in ExchangeRecord record)
    {
        foreach (var observer in _observers)
        {
            try
            {
                observer.OnClosed(record);
            }
            catch (Exception e)
            {
                Note(observer, e);
            }
        }
    }

    private void Note(IExchangeObserver observer, Exception error)
    {
        Interlocked.Increment(ref _failures);
        var name = observer.GetType().Name;
        if (_throttle.MayLog(name, out var more))
        {
            Log.ObserverFailed(logger, name, more, error);
        }
    }
}
