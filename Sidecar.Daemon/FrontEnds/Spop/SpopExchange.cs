using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>An exchange that waits for its response, with what the request phase leaves to it.</summary>
/// <param name="exchange">The exchange.</param>
/// <param name="method">The request's method, which decides whether the response has a body.</param>
internal sealed class SpopExchange(Exchange exchange, string method) : JoinedExchange(exchange)
{
    /// <summary>The request's method.</summary>
    public string Method => method;

    /// <summary>Whether the request's verdict has been given.</summary>
    public bool IsJudged { get; private set; }

    /// <summary>
    /// Changes of the response's headers that agents asked for with the request. Those asked for with the response come after them.
    /// </summary>
    public IReadOnlyList<HeaderEdit> ResponseEdits { get; private set; } = [];

    /// <summary>Bytes of the request's body that came.</summary>
    public long RequestBytes { get; private set; }

    /// <summary>The request's verdict is about to be given: from here on HAProxy may ask about the response.</summary>
    /// <param name="responseEdits">What it leaves to the response.</param>
    /// <param name="requestBytes">Bytes of the request's body that came.</param>
    /// <param name="awaitsResponse">Whether the response is to be asked about.</param>
    public void Judge(IReadOnlyList<HeaderEdit> responseEdits, long requestBytes, bool awaitsResponse)
    {
        (ResponseEdits, RequestBytes, AwaitsResponse) = (responseEdits, requestBytes, awaitsResponse);
        IsJudged = true;
    }
}
