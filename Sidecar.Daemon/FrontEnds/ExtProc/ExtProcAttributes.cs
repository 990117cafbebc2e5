using System.Globalization;
using System.Net;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// The attributes that the filter is configured to send (proxy integration §3.5.15). They are Envoy's own words, so they are believed; the
/// client's headers are not. Immutable.
/// </summary>
/// <param name="attributes">Those of the first message of a direction, by filter name.</param>
internal readonly struct ExtProcAttributes(MapField<string, Struct> attributes)
{
    /// <summary>The route that Envoy chose; null when it does not say.</summary>
    public string? Route => this["xds.route_name"];

    /// <summary>Who made the response, by the attributes of its first message.</summary>
    public ResponseOrigin Origin => Find("response.code_details") switch
    {
        // For example via_upstream and upstream_reset_before_response_started{…}.
        { HasStringValue: true, StringValue: var told } => told.StartsWith("via_upstream", StringComparison.Ordinal)
            || told.StartsWith("upstream_", StringComparison.Ordinal) ? ResponseOrigin.Upstream : ResponseOrigin.Envoy,
        _ => ResponseOrigin.Untold,
    };

    private string? this[string name] => Find(name) is { } value ? RequestEventBuilder.Short(TextOf(value)) : null;

    // Those of one filter only: ours.
    private Value? Find(string name)
    {
        foreach (var (_, group) in attributes)
        {
            if (group.Fields.TryGetValue(name, out var value))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>The event for agents.</summary>
    /// <param name="headers">The request's headers, without a problem.</param>
    /// <param name="exchange">The exchange it began.</param>
    /// <param name="hasBody">Whether a body may follow.</param>
    /// <param name="now">The time of day.</param>
    public RequestHeadersEvent Event(EnvoyHeaders headers, Exchange exchange, bool hasBody, DateTimeOffset now) => new RequestEventBuilder
    {
        RequestId = this["request.id"] ?? RequestEventBuilder.Short(headers.Headers.Get("x-request-id")),
        Client = Source() with { TlsVersion = this["connection.tls_version"] },
        ServerName = this["connection.requested_server_name"],
        Host = headers.Authority,
        Protocol = this["request.protocol"],
        UpstreamId = this["xds.cluster_name"],
        Method = headers.Method!,
        Uri = WireText.Of(headers.Target!),
        Headers = headers.Headers,
        HasBody = hasBody,
    }.Build(exchange, now);

    private static string TextOf(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.StringValue => value.StringValue,
        Value.KindOneofCase.NumberValue => value.NumberValue.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };

    // An address and a port, or a pipe, of which agents have no use.
    private ClientConnection Source()
    {
        if (!IPEndPoint.TryParse(this["source.address"] ?? "", out var source))
        {
            return new ClientConnection();
        }

        var port = source.Port > 0 ? (ushort)source.Port
            : ushort.TryParse(this["source.port"], NumberStyles.None, CultureInfo.InvariantCulture, out var told) ? told : (ushort)0;
        return new ClientConnection { Ip = source.Address.ToString(), Port = port };
    }
}

/// <summary>Who made a response.</summary>
internal enum ResponseOrigin
{
    /// <summary>The filter's <c>response_attributes</c> lack <c>response.code_details</c>.</summary>
    Untold,

    /// <summary>The upstream, or Envoy because the upstream failed: the request went there.</summary>
    Upstream,

    /// <summary>Envoy itself, or a filter: the request, or what was missing of it, reached no upstream.</summary>
    Envoy,
}
