namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>How an exchange, or an agent's part in one direction of it, is accounted (rule 1). A greater state hides a lesser one.</summary>
internal enum LedgerState : byte
{
    /// <summary>No agent was to be asked.</summary>
    NotSubject = 0,

    /// <summary>Everything that was to be inspected was.</summary>
    Inspected,

    /// <summary>Nobody wanted the verdict any more.</summary>
    Abandoned,

    /// <summary>It was refused because it could not be inspected.</summary>
    Refused,

    /// <summary>Some of its bytes were inspected.</summary>
    Partly,

    /// <summary>It passed uninspected.</summary>
    Bypassed,
}

/// <summary>The two halves of an exchange.</summary>
internal enum Direction
{
    /// <summary>From the client.</summary>
    Request,

    /// <summary>To the client.</summary>
    Response,
}
