using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>What an agent's answer to a piece of a body means for the bytes it holds back.</summary>
internal enum StageAnswerKind
{
    /// <summary>The exchange does not go on.</summary>
    Ends,

    /// <summary>The agent could not be heard, and its failure mode lets the bytes pass.</summary>
    Bypassed,

    /// <summary>The agent needs more; the piece is held.</summary>
    Provisional,

    /// <summary>The piece, and what was held before it, may go on.</summary>
    Final,
}

/// <summary>An agent's answer to a piece of a body.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Replacement">Bytes that take the place of the piece, empty to drop it; null to pass it.</param>
/// <param name="IsWhole">Whether they take the place of everything that is held as well.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StageAnswer(StageAnswerKind Kind, ReadOnlyMemory<byte>? Replacement = null, bool IsWhole = false);
