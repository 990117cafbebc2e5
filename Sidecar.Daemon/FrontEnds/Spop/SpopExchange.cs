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
    public bool IsJudged { get; set; }

    /// <summary>Changes of the response's headers that agents asked for with the request. Those asked for with the response come after them.</summary>
    public IReadOnlyList<HeaderEdit> ResponseEdits { get; set; } = [];

    /// <summary>Bytes of the request's body that came.</summary>
    public long RequestBytes { get; set; }
}
