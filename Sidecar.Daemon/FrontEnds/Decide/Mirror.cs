using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>Answers questions that nobody waits for: inspected and recorded, never applied. Bounded; awaited at the end.</summary>
internal sealed class Mirror(JsonListenerOptions options, DecisionService decider, ILogger<Mirror> logger) : IAsyncDisposable
{
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One is ours until we are disposed of, so that the count meets zero only once.
    private int _running = 1;
    private int _disposed;

    /// <summary>Takes a question and its memory; what there is no room for passes uninspected, counted.</summary>
    public void Take(ReceivedDecideRequest received, DecideRequest question)
    {
        if (Interlocked.Increment(ref _running) > options.MaxMirrored + 1)
        {
            received.Dispose();
            decider.Exchanges.Account(LedgerState.Bypassed, Cause.Overload);
            Leave();
            return;
        }

        _ = RunAsync(received, question);
    }

    /// <summary>Waits for what is under way. Every question has a deadline, so this ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Leave();
        }

        await _idle.Task.ConfigureAwait(false);
    }

    private async Task RunAsync(ReceivedDecideRequest received, DecideRequest question)
    {
        // The proxy has its answer; a caller that hurries says nothing about the time agents may take.
        await Task.Yield();
        try
        {
            using (received)
            {
                (await decider.DecideAsync(
                    question with { Patience = null }, received.Arrived, CancellationToken.None).ConfigureAwait(false)).Dispose();
            }
        }
        catch (Exception e)
        {
            // Nobody awaits this, so nobody else would learn of it.
            Log.Failed(logger, options.Name, e);
        }
        finally
        {
            Leave();
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _idle.TrySetResult();
        }
    }
}
