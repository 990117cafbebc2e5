namespace Sidecar.Protocol.Spop;

/// <summary>How long a variable of HAProxy lives (proxy integration §1.6).</summary>
public enum SpopScope : byte
{
    /// <summary>The process. HAProxy takes it only with <c>option force-set-var</c> or a previous declaration.</summary>
    Process = 0,

    /// <summary>The client's connection.</summary>
    Session = 1,

    /// <summary>Request and response of one transaction: the right one for a verdict.</summary>
    Transaction = 2,

    /// <summary>Until the response is processed.</summary>
    Request = 3,

    /// <summary>The processing of the response.</summary>
    Response = 4,
}
