using System.Globalization;
using System.Net;
using System.Text;
using Google.Protobuf;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>A request as an ext_authz filter tells it (proxy integration §3.2), in either form of its headers. Immutable.</summary>
internal sealed class AuthzRequest
{
    private const string PartialBody = "x-envoy-auth-partial-body";

    // As for ext_proc: long enough for any id and trace context in use.
    private const int MaxText = 256;

    private readonly AttributeContext _attributes;
    private readonly AttributeContext.Types.HttpRequest _http;
    private readonly string? _isPartial;

    /// <summary>Reads a question.</summary>
    public AuthzRequest(CheckRequest question, ExtProcOptions limits)
    {
        _attributes = question.Attributes ?? new AttributeContext();
        _http = _attributes.Request?.Http ?? new AttributeContext.Types.HttpRequest();
        Headers = ExtProcHeaders.Read(Join(_http, out _isPartial), limits);
    }

    /// <summary>The headers, and the request line as pseudo headers.</summary>
    public ExtProcHeaders Headers { get; }

    /// <summary>The route that the filter's configuration names (context extension <c>route</c>); null when it names none.</summary>
    public string? Route => _attributes.ContextExtensions.GetValueOrDefault("route");

    /// <summary>The body that came; empty for none.</summary>
    public ReadOnlyMemory<byte> Body => _http.RawBody.IsEmpty ? Encoding.UTF8.GetBytes(_http.Body) : _http.RawBody.Memory;

    /// <summary>The body as a piece; null when the request has none.</summary>
    /// <param name="isSent">Whether the filter sends bodies.</param>
    public BodyPiece? Piece(bool isSent)
    {
        var length = Headers.ContentLength;
        var body = Body;
        if (body.IsEmpty)
        {
            // Without bytes Envoy does not say whether there are more, and what stands in the header then is the client's.
            return HasUnseenBody(length, isSent) ? new BodyPiece(default, isSent ? BodyEnd.Truncated : BodyEnd.Unseen, length) : null;
        }

        return new BodyPiece(body, _isPartial == "true" ? BodyEnd.Truncated : BodyEnd.Last, length);
    }

    /// <summary>The event for agents.</summary>
    public RequestHeadersEvent Event(Exchange exchange, DateTimeOffset now)
    {
        var source = _attributes.Source?.Address?.SocketAddress;
        return new RequestHeadersEvent
        {
            Metadata = new RequestMetadata
            {
                RequestId = Short(Headers.Headers.Get("x-request-id")) ?? exchange.Id.ToString(),
                ClientIp = IPAddress.IsValid(source?.Address) ? source!.Address : "",
                ClientPort = source?.PortValue is <= ushort.MaxValue and var port ? (ushort)port : (ushort)0,
                ServerName = Short(_attributes.TlsSession?.Sni) ?? (Headers.Authority is { } host ? WireText.Of(HostName.Of(host).ToString()) : null),
                Protocol = Short(_http.Protocol) ?? "HTTP/1.1",
                RouteId = exchange.Route?.Id,
                Timestamp = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
                Traceparent = Short(Headers.Headers.Get("traceparent")),
            },
            Method = Headers.Method!,
            Uri = WireText.Of(Headers.Target!),
            Headers = Headers.Headers,
        };
    }

    private static string? Short(string? text) => text is { Length: > 0 and <= MaxText } ? text : null;

    // One form for both. What the headers themselves say of the request line goes first: only there non-UTF-8 bytes have survived.
    private static HeaderMap Join(AttributeContext.Types.HttpRequest http, out string? isPartial)
    {
        var map = new HeaderMap();
        isPartial = null;
        var fields = http.HeaderMap is { Headers.Count: > 0 } raw ? raw.Headers : http.Headers.Select(static pair => new HeaderValue { Key = pair.Key, Value = pair.Value });
        foreach (var field in fields)
        {
            if (field.Key.Equals(PartialBody, StringComparison.OrdinalIgnoreCase))
            {
                // The last is Envoy's own.
                isPartial = field.RawValue.IsEmpty ? field.Value : field.RawValue.ToStringUtf8();
                continue;
            }

            map.Headers.Add(field);
        }

        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[(":method", http.Method), (":path", http.Path), (":authority", http.Host), (":scheme", http.Scheme)])
        {
            if (value.Length > 0)
            {
                map.Headers.Add(new HeaderValue { Key = name, RawValue = ByteString.CopyFromUtf8(value) });
            }
        }

        return map;
    }

    private bool HasUnseenBody(long? length, bool isSent) =>
        length > 0
        || (length is null && Headers.Headers.IndexOf("transfer-encoding"u8) >= 0 && !isSent)
        || (length is null && !isSent && !_http.Protocol.StartsWith("HTTP/1", StringComparison.Ordinal));
}
