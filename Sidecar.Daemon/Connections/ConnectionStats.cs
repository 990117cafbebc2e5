using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Connections;

/// <summary>How a connection does at one moment. What it does not have is 0: one that owes no answers has none owed.</summary>
/// <param name="InFlight">Slots taken: calls that wait and calls whose answers are owed.</param>
/// <param name="Owed">Answers still owed for calls that ended without one.</param>
/// <param name="LateAnswers">Answers that came after their call had ended, since it was opened.</param>
/// <param name="LastHeard">When the last bytes came from the agent, a timestamp of the clock: the age would cost every reader a look at it.</param>
/// <param name="HasThread">Whether a thread of its own receives; without, it shares the runtime's asynchronous sockets.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ConnectionStats(int InFlight, int Owed, long LateAnswers, long LastHeard, bool HasThread = false)
{
    /// <summary>Calls that somebody waits for. The parts are read one after the other, so it may be below 0 for a moment.</summary>
    public int Waiting => InFlight - Owed;
}
