namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Tells from its headers whether a request has a body. The proxy asks before it reads any of it, and hands none over.</summary>
internal static class ClientBody
{
    /// <summary>Whether it has one, as far as anybody can know now.</summary>
    public static bool MayExist(ClientRequest request)
    {
        if (request.Headers.Get("transfer-encoding") is { Length: > 0 })
        {
            return true;
        }

        if (request.Headers.Get("content-length") is { Length: > 0 } length)
        {
            return length.AsSpan().ContainsAnyExcept('0');
        }

        // Above HTTP/1.1 a body needs neither header; methods that are not made for one rarely have it.
        return request[TrustedHeader.Protocol]?.StartsWith("HTTP/1", StringComparison.Ordinal) == false
            && request.Method is not ("GET" or "HEAD" or "OPTIONS" or "TRACE" or "CONNECT" or "DELETE");
    }
}
