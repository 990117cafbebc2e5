using Microsoft.AspNetCore.Http.Features;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>How a verdict is put into the answer to a proxy's question. Safe for any number of requests at once.</summary>
internal interface IVerdictForm
{
    /// <summary>Sets status and headers.</summary>
    /// <param name="answer">The answer; what <see cref="CarriedHeaders"/> wrote for an allow stands in it.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="verdict">What the agents decided, or why they were not asked.</param>
    /// <returns>The body to send; empty for none.</returns>
    ReadOnlyMemory<byte> Write(IHttpResponseFeature answer, Exchange exchange, Verdict verdict);
}
