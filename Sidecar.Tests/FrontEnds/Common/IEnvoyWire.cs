using Sidecar.Protocol.Envoy;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>One ext_proc stream as Envoy's filter holds it, whatever carries it.</summary>
internal interface IEnvoyWire
{
    /// <summary>Sends a message.</summary>
    Task TellAsync(ProcessingRequest message);

    /// <summary>Waits for the next answer, for a generous time.</summary>
    Task<ProcessingResponse> NextAsync();

    /// <summary>Waits for the next answer, or the end of the stream: null.</summary>
    Task<ProcessingResponse?> NextOrEndAsync();
}
