namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>How our side of an ext_proc stream ends.</summary>
/// <param name="Problem">None ends it with OK; anything else with an error status, on which Envoy refuses the request unless its failure mode allows it.</param>
/// <param name="Detail">For the status and the log: what was wrong and what to do.</param>
internal sealed record ExtProcEnd(ExtProcProblem Problem, string Detail)
{
    /// <summary>Everything is answered, or the last answer ended the exchange.</summary>
    public static ExtProcEnd Done { get; } = new(ExtProcProblem.None, "");

    /// <summary>A message that should not have come.</summary>
    public static ExtProcEnd Spurious(string detail) => new(ExtProcProblem.Spurious, detail);
}

/// <summary>What is wrong with an ext_proc stream.</summary>
internal enum ExtProcProblem
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A message holds none of the parts of a request or response that we know.</summary>
    UnknownMessage,

    /// <summary>A message came that cannot come now.</summary>
    Spurious,

    /// <summary>The filter sends bodies in a way that we do not speak.</summary>
    UnsupportedMode,

    /// <summary>Headers lack what Envoy always sends.</summary>
    BadHeaders,

    /// <summary>The peer is gone; there is nobody to tell.</summary>
    Gone,

    /// <summary>A defect of our own.</summary>
    Internal,
}
