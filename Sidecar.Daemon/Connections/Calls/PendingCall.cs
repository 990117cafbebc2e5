using System.Threading.Tasks.Sources;

namespace Sidecar.Daemon.Connections.Calls;

/// <summary>A call that waits for its answer: one reused object that its asker awaits.</summary>
/// <remarks>
/// Two parties hold it, the table and the asker; it goes back to the pool when both have let go, so that neither can meet it in its next
/// life. Whoever takes it out of the table completes it: exactly one of answer, deadline, cancel or end of the connection.
/// </remarks>
internal sealed class PendingCall : IValueTaskSource<CallResult>
{
    private static readonly BoundedPool<PendingCall> Pool = new(4096);

    // Mutable struct: must not be readonly.
    private ManualResetValueTaskSourceCore<CallResult> _source;
    private int _holders;

    private PendingCall()
    {
    }

    /// <summary>When it is too late, a timestamp of the clock.</summary>
    public long Deadline { get; private set; }

    /// <summary>Tells this life of the object from its others; the token with which its asker awaits it, once.</summary>
    public short Life => _source.Version;

    /// <summary>A call for one asker, with a life of its own.</summary>
    public static PendingCall Rent(long deadline)
    {
        var call = Pool.TryRent() ?? new PendingCall();
        call.Deadline = deadline;
        call._holders = 2;
        return call;
    }

    /// <summary>Ends the call. Only for the one who took it out of the table.</summary>
    /// <param name="result">What it comes to.</param>
    /// <param name="goesOnHere">
    /// Whether what waits for it goes on within this method: for a read loop, which holds no lock. It returns at the asker's next wait.
    /// Elsewhere the asker goes on by the thread pool.
    /// </param>
    public void Complete(CallResult result, bool goesOnHere = false)
    {
        try
        {
            _source.RunContinuationsAsynchronously = !goesOnHere;
            _source.SetResult(result);
        }
        finally
        {
            Release();
        }
    }

    public CallResult GetResult(short token)
    {
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            Release();
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
        {
            return;
        }

        _source.Reset();
        Pool.Return(this);
    }
}
