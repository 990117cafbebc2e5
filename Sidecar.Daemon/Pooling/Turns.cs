namespace Sidecar.Daemon.Pooling;

/// <summary>Counts turns, so that connections that are alike are chosen one after the other. Safe from any thread.</summary>
internal sealed class Turns
{
    // The first turn is 0.
    private int _last = -1;

    /// <summary>The next turn, from 0 to below a number; 0 when that is 0.</summary>
    public int Next(int below) => below == 0 ? 0 : (int)((uint)Interlocked.Increment(ref _last) % (uint)below);
}
