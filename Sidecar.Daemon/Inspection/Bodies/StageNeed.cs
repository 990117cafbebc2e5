namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>What a stage needs before it can go on.</summary>
internal enum StageNeed
{
    /// <summary>Nothing; it may have passed on bytes, which the stages behind it take first.</summary>
    None,

    /// <summary>An answer to its event (<see cref="BodyStage.Answer"/>).</summary>
    Answer,

    /// <summary>Memory (<see cref="BodyStage.Reserved"/>).</summary>
    Memory,
}
