using System.Globalization;
using System.Net;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>The attributes that the filter is configured to send (proxy integration §3.5.15). They are Envoy's own words, so they are believed; the client's headers are not. Immutable.</summary>
internal sealed class ExtProcAttributes
{
    // Long enough for any id in use; beyond it an attribute is taken as missing.
    private const int MaxText = 256;

    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);

    /// <summary>Reads the attributes of the first message of a direction.</summary>
    /// <param name="attributes">By filter name.</param>
    public ExtProcAttributes(MapField<string, Struct> attributes)
    {
        foreach (var (name, value) in attributes.SelectMany(static pair => pair.Value.Fields))
        {
            var text = value.KindCase switch
            {
                Value.KindOneofCase.StringValue => value.StringValue,
                Value.KindOneofCase.NumberValue => value.NumberValue.ToString(CultureInfo.InvariantCulture),
                _ => "",
            };
            if (text.Length is > 0 and <= MaxText)
            {
                _texts.TryAdd(name, text);
            }
        }
    }

    /// <summary>The route that Envoy chose; null when it does not say.</summary>
    public string? Route => this["xds.route_name"];

    private string? this[string name] => _texts.GetValueOrDefault(name);

    /// <summary>What is known about the request.</summary>
    /// <param name="headers">Its headers.</param>
    /// <param name="exchange">The exchange it began.</param>
    /// <param name="now">The time of day.</param>
    public RequestMetadata Metadata(ExtProcHeaders headers, Exchange exchange, DateTimeOffset now)
    {
        var (address, port) = Source();
        return new RequestMetadata
        {
            RequestId = this["request.id"] ?? Short(headers.Headers.Get("x-request-id")) ?? exchange.Id.ToString(),
            ClientIp = address,
            ClientPort = port,
            ServerName = this["connection.requested_server_name"] ?? (headers.Authority is { } host ? WireText.Of(HostName.Of(host).ToString()) : null),
            Protocol = this["request.protocol"] ?? "HTTP/1.1",
            TlsVersion = this["connection.tls_version"],
            RouteId = exchange.Route?.Id,
            UpstreamId = this["xds.cluster_name"],
            Timestamp = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
            Traceparent = Short(headers.Headers.Get("traceparent")),
        };
    }

    private static string? Short(string? text) => text is { Length: > 0 and <= MaxText } ? text : null;

    // An address and a port, or a pipe, of which agents have no use.
    private (string Address, ushort Port) Source()
    {
        if (!IPEndPoint.TryParse(this["source.address"] ?? "", out var source))
        {
            return ("", 0);
        }

        var port = source.Port > 0 ? (ushort)source.Port
            : ushort.TryParse(this["source.port"], NumberStyles.None, CultureInfo.InvariantCulture, out var told) ? told : (ushort)0;
        return (source.Address.ToString(), port);
    }
}
