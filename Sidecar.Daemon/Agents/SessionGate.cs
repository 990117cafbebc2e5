namespace Sidecar.Daemon.Agents;

/// <summary>Lets one caller at a time through, in order of arrival: at most one call per exchange may wait at an agent.</summary>
/// <remarks>
/// The way through an open gate neither waits nor allocates. It locks itself, as nobody else does: an exchange has one for each agent, and
/// a lock of its own is as large again.
/// </remarks>
internal sealed class SessionGate
{
    private Queue<TaskCompletionSource>? _waiting;
    private bool _taken;

    /// <summary>Goes through if nobody else is.</summary>
    public bool TryEnter()
    {
        lock (this)
        {
            return !_taken && (_taken = true);
        }
    }

    /// <summary>Waits for a turn; false when it did not come in time.</summary>
    public async ValueTask<bool> EnterAsync(TimeSpan limit, TimeProvider time)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (this)
        {
            if (!_taken)
            {
                return _taken = true;
            }

            (_waiting ??= new()).Enqueue(turn);
        }

        try
        {
            await turn.Task.WaitAsync(limit > TimeSpan.Zero ? limit : TimeSpan.Zero, time);
            return true;
        }
        catch (TimeoutException)
        {
            // The turn may have come in the same moment; then it is passed on.
            if (!turn.TrySetCanceled())
            {
                Exit();
            }

            return false;
        }
    }

    /// <summary>Lets the next one through.</summary>
    public void Exit()
    {
        lock (this)
        {
            while (_waiting is not null && _waiting.TryDequeue(out var next))
            {
                if (next.TrySetResult())
                {
                    return;
                }
            }

            _taken = false;
        }
    }
}
