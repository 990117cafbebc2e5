using System.Globalization;
using System.Net;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Makes the event that agents get from what the proxy told.</summary>
internal static class EventBuilder
{
    /// <summary>The request headers event of an exchange.</summary>
    /// <param name="request">A request without a problem.</param>
    /// <param name="exchange">The exchange it began.</param>
    /// <param name="now">The time of day.</param>
    public static RequestHeadersEvent Build(ClientRequest request, Exchange exchange, DateTimeOffset now) => new()
    {
        Metadata = new RequestMetadata
        {
            RequestId = request[TrustedHeader.RequestId] is { } id ? WireText.Of(id) : exchange.Id.ToString(),
            ClientIp = AddressOf(request[TrustedHeader.ClientAddress]),
            ClientPort = ushort.TryParse(request[TrustedHeader.ClientPort], NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : (ushort)0,
            ServerName = request.Host is { } host ? WireText.Of(HostName.Of(host).ToString()) : null,
            Protocol = EventFacts.ProtocolOf(request[TrustedHeader.Protocol]),
            TlsVersion = request[TrustedHeader.TlsVersion],
            TlsCipher = request[TrustedHeader.TlsCipher],
            RouteId = exchange.Route?.Id,
            Timestamp = EventFacts.Timestamp(now),
            Traceparent = EventFacts.TraceparentOf(request.Headers),
        },
        Method = request.Method,
        Uri = WireText.Of(request.RawTarget),
        Headers = request.Headers,
    };

    // A list grows to the right, so the last one is what the proxy itself saw; a peer on a Unix socket has no address.
    private static string AddressOf(string? told)
    {
        if (told is null)
        {
            return "";
        }

        var comma = told.LastIndexOf(',');
        var last = comma < 0 ? told.AsSpan().Trim() : told.AsSpan(comma + 1).Trim();
        return !IPAddress.IsValid(last) ? "" : last.Length == told.Length ? told : last.ToString();
    }
}
