using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>What is known of a request's body with its headers.</summary>
internal static class RequestFraming
{
    /// <summary>Whether there is one, as far as the front end or the headers tell. Over HTTP/2 and HTTP/3 there may be one that no header announces.</summary>
    public static bool TellsOfBody(RequestHeadersEvent request) => request.HasBody == true || Announce(request.Headers);

    private static bool Announce(HeaderBlock headers) =>
        headers.IndexOf("transfer-encoding"u8) >= 0
        || (headers.IndexOf("content-length"u8) is >= 0 and var at && headers.Value(at).ContainsAnyExcept((byte)'0'));
}
