using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>Where the answers of one ext_proc stream go. Implemented by what speaks gRPC.</summary>
internal interface IExtProcOutput
{
    /// <summary>Writes an answer. Called for one answer at a time.</summary>
    /// <param name="answer">The answer; it refers to memory that is only valid until the returned task ends, so it is encoded by then.</param>
    /// <returns>When it is written. Fails within a bounded time when the peer does not read or is gone; that ends the stream.</returns>
    ValueTask WriteAsync(ProcessingResponse answer);
}
