using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Tells from its headers whether a request has a body. The proxy asks before it reads any of it, and hands none over.</summary>
internal static class ClientBody
{
    /// <summary>Why agents are not shown a body: none where there surely is none.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isFramingTold">Whether the proxy tells both headers that frame a body in HTTP/1.</param>
    /// <param name="isAnnounced">Whether the proxy's configuration keeps a body that no header announces from the upstream, where the method is not made for one.</param>
    public static Cause CauseOf(ClientRequest request, bool isFramingTold, bool isAnnounced)
    {
        if (request.Headers.Get("transfer-encoding") is { Length: > 0 })
        {
            return Cause.NoBody;
        }

        if (request.Headers.Get("content-length") is { Length: > 0 } length)
        {
            return length.AsSpan().ContainsAnyExcept('0') ? Cause.NoBody : Cause.None;
        }

        // Only HTTP/1 has no body without one of the two. A proxy that tells them tells the protocol as well.
        if (isFramingTold && request[TrustedHeader.Protocol] is null or "HTTP/1.1" or "HTTP/1.0" or "HTTP/0.9")
        {
            return Cause.None;
        }

        var isMadeForOne = request.Method is not ("GET" or "HEAD" or "OPTIONS" or "TRACE" or "CONNECT" or "DELETE");
        return isMadeForOne ? Cause.NoBody : isAnnounced ? Cause.None : Cause.MaybeBody;
    }
}
