using System.Text;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Makes the events that agents get from what HAProxy told; with the ready configuration the same as behind nginx. Stateless.</summary>
internal static class SpopEvents
{
    /// <summary>The request headers event of an exchange.</summary>
    /// <param name="facts">Facts without a problem.</param>
    /// <param name="exchange">The exchange they began.</param>
    /// <param name="now">The time of day.</param>
    public static RequestHeadersEvent Request(SpopFacts facts, Exchange exchange, DateTimeOffset now) => new()
    {
        Metadata = new RequestMetadata
        {
            RequestId = facts.Id ?? exchange.Id.ToString(),
            ClientIp = facts.ClientAddress,
            ClientPort = facts.ClientPort,
            ServerName = (facts.Header("host"u8) ?? facts.Sni) is { } host ? HostName.Of(host).ToString() : null,
            Protocol = EventFacts.ProtocolOf(facts.Version is { } version ? "HTTP/" + version : null),
            TlsVersion = facts.TlsVersion,
            TlsCipher = facts.TlsCipher,
            RouteId = exchange.Route?.Id,
            Timestamp = EventFacts.Timestamp(now),
            Traceparent = EventFacts.TraceparentOf(facts.Headers),
        },
        Method = facts.Method!,
        Uri = Ascii.IsValid(facts.Target!) ? facts.Target! : WireText.Of(Encoding.Latin1.GetBytes(facts.Target!)),
        Headers = facts.Headers,
    };

    /// <summary>The response headers event.</summary>
    public static ResponseHeadersEvent Response(SpopFacts facts) => new() { Status = (ushort)facts.Status!.Value, Headers = facts.Headers };
}
