namespace Sidecar.Daemon.Diagnostics;

/// <summary>What became of a measurement.</summary>
internal enum RecordOutcome
{
    /// <summary>It went into the series of its tags.</summary>
    Recorded,

    /// <summary>The metric has all the series it may have: it went into the series <c>overflow="true"</c>.</summary>
    Overflowed,

    /// <summary>Its series cannot hold it: a total that would fall, or a value to be summed that is not finite. It was dropped.</summary>
    Invalid,
}
