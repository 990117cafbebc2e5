using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>
/// The rules of a body's way past one agent, told with lists: what must have come out of it, given what went in, what it was shown and what it said.
/// </summary>
internal static class NaiveStage
{
    /// <summary>Everything that this stage has let go, in order.</summary>
    /// <param name="input">Everything that has come to it.</param>
    /// <param name="shown">What the agent was shown of it so far.</param>
    /// <param name="passesBy">Whether the agent has been passed by since: then what it did not see goes on as it is.</param>
    /// <param name="hasDrawnBack">Whether the agent's last answer did not count, its failure mode lets the bytes pass.</param>
    public static byte[] Output(byte[] input, IReadOnlyList<Shown> shown, bool passesBy, bool hasDrawnBack)
    {
        var gone = new List<byte>();
        var held = new List<byte>();
        var judged = 0;
        var allHeld = true;
        foreach (var piece in hasDrawnBack ? shown.SkipLast(1) : shown)
        {
            judged += piece.Data.Length;
            var response = piece.Result.Response!;
            var mutation = response.RequestBodyMutation;
            var provisional = response.NeedsMore && !piece.IsLast;
            var bytes = piece.Data;
            if (mutation?.Data is { } data)
            {
                if (mutation.ChunkIndex == piece.Number)
                {
                    bytes = data.ToArray();
                }
                else if (mutation.ChunkIndex == 0 && piece.IsLast && allHeld)
                {
                    bytes = data.ToArray();
                    held.Clear();
                }
            }

            held.AddRange(bytes);
            allHeld &= provisional;
            if (!provisional)
            {
                gone.AddRange(held);
                held.Clear();
            }
        }

        if (passesBy || hasDrawnBack)
        {
            gone.AddRange(held);
            gone.AddRange(input.Skip(judged));
        }

        return [.. gone];
    }

    /// <summary>Whether an answer stops the exchange, for an agent that is closed or open.</summary>
    public static bool Stops(Shown shown, bool isOpen) => shown.Result.Outcome != CallOutcome.Answered
        ? !isOpen
        : shown.Result.Response!.Decision is not AllowDecision && (!shown.Result.Response.NeedsMore || shown.IsLast);
}
