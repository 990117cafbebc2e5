using System.Diagnostics.CodeAnalysis;

namespace Sidecar.Protocol.Grpc;

/// <summary>How long a call lives: until its peer is gone, its time is up, or we end it. One token tells.</summary>
/// <remarks>Thread-safe.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "Ending it disposes of the timer; a token source without one holds nothing to free.")]
internal sealed class CallLifetime
{
    // What a timer can wait for, some 49 days; a longer timeout is none.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly CancellationTokenSource _over = new();
    private readonly CancellationTokenRegistration _gone;
    private readonly ITimer? _timer;
    private volatile bool _isDeadlineExceeded;

    /// <summary>A call that lives from now on.</summary>
    /// <param name="timeout">How long it may take; null for as long as it wants.</param>
    /// <param name="time">The clock.</param>
    /// <param name="gone">Fires when the peer, or whoever started the call, gives it up.</param>
    public CallLifetime(TimeSpan? timeout, TimeProvider time, CancellationToken gone)
    {
        if (timeout is { } limit && limit <= TimeSpan.Zero)
        {
            Expire();
        }
        else if (timeout <= LongestTimer)
        {
            _timer = time.CreateTimer(static call => ((CallLifetime)call!).Expire(), this, timeout.Value, Timeout.InfiniteTimeSpan);
        }

        _gone = gone.UnsafeRegister(static call => ((CallLifetime)call!)._over.Cancel(), this);
    }

    /// <summary>Fires when the call is over, for whatever reason.</summary>
    public CancellationToken Token => _over.Token;

    /// <summary>Whether it is over because its time was up.</summary>
    public bool IsDeadlineExceeded => _isDeadlineExceeded;

    /// <summary>Ends it and wakes whoever waits in it. Only the first end counts.</summary>
    public void End()
    {
        _timer?.Dispose();
        _gone.Unregister();
        _over.Cancel();
    }

    /// <summary>
    /// A token that fires for the call's end and for a reason of one's own. Costs nothing if there is no such reason, or it is the call's
    /// end too.
    /// </summary>
    public LinkedToken Link(CancellationToken own) => new(_over.Token, own);

    private void Expire()
    {
        if (!_over.IsCancellationRequested)
        {
            _isDeadlineExceeded = true;
            _over.Cancel();
        }
    }

    /// <summary>Two tokens as one, for the length of a wait.</summary>
    internal readonly struct LinkedToken(CancellationToken call, CancellationToken own) : IDisposable
    {
        private readonly CancellationTokenSource? _both =
            own.CanBeCanceled && own != call ? CancellationTokenSource.CreateLinkedTokenSource(call, own) : null;

        public CancellationToken Token => _both?.Token ?? call;

        public void Dispose() => _both?.Dispose();
    }
}
