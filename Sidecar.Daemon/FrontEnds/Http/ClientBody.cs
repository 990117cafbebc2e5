namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Tells from its headers whether a request has a body. The proxy asks before it reads any of it, and hands none over.</summary>
internal static class ClientBody
{
    /// <summary>Whether it has one, as far as anybody can know now.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isLengthTold">Whether the proxy tells the headers that frame a body.</param>
    public static bool MayExist(ClientRequest request, bool isLengthTold)
    {
        if (request.Headers.Get("transfer-encoding") is { Length: > 0 })
        {
            return true;
        }

        if (request.Headers.Get("content-length") is { Length: > 0 } length)
        {
            return length.AsSpan().ContainsAnyExcept('0');
        }

        // Above HTTP/1.1 a body needs neither header. Then the method must do: those that are not made for a body rarely have one.
        var isFramed = isLengthTold && request[TrustedHeader.Protocol]?.StartsWith("HTTP/1", StringComparison.Ordinal) != false;
        return !isFramed && request.Method is not ("GET" or "HEAD" or "OPTIONS" or "TRACE" or "CONNECT" or "DELETE");
    }
}
