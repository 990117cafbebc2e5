namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>What is to be done with a request, ordered by precedence: a greater one wins over a lesser (rule 2).</summary>
internal enum VerdictKind
{
    /// <summary>It passes, with the header edits.</summary>
    Allow = 0,

    /// <summary>It is refused because an agent that must be heard could not be.</summary>
    FailedClosed = 1,

    /// <summary>The client is sent elsewhere.</summary>
    Redirect = 2,

    /// <summary>The client must prove something first.</summary>
    Challenge = 3,

    /// <summary>It is refused.</summary>
    Block = 4,
}

/// <summary>Names of verdicts.</summary>
internal static class VerdictKinds
{
    private static readonly string[] Names = ["allow", "failed-closed", "redirect", "challenge", "block"];

    /// <summary>The verdict's name in headers and label values.</summary>
    public static string Label(this VerdictKind kind) => Names[(int)kind];
}
