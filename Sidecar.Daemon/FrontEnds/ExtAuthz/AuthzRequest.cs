using System.Net;
using System.Text;
using Google.Protobuf;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.ExtAuthz;

/// <summary>A request as an ext_authz filter tells it (proxy integration §3.2), in either form of its headers. Immutable.</summary>
internal sealed class AuthzRequest
{
    private readonly AttributeContext _attributes;
    private readonly AttributeContext.Types.HttpRequest _http;
    private readonly string? _partial;

    /// <summary>Reads a question.</summary>
    public AuthzRequest(CheckRequest question, EnvoyFilterOptions limits)
    {
        _attributes = question.Attributes ?? new AttributeContext();
        _http = _attributes.Request?.Http ?? new AttributeContext.Types.HttpRequest();
        Headers = EnvoyHeaders.Read(Join(_http, out _partial), limits);
    }

    /// <summary>The headers, and the request line as pseudo headers.</summary>
    public EnvoyHeaders Headers { get; }

    /// <summary>The route that the filter's configuration names (context extension <c>route</c>); null when it names none.</summary>
    public string? Route => _attributes.ContextExtensions.GetValueOrDefault("route");

    /// <summary>The body that came; empty for none.</summary>
    public ReadOnlyMemory<byte> Body => _http.RawBody.IsEmpty ? Encoding.UTF8.GetBytes(_http.Body) : _http.RawBody.Memory;

    /// <summary>Whether bytes of the body came.</summary>
    public bool HasBody => !Body.IsEmpty;

    /// <summary>Whether the headers say that there is a body.</summary>
    public bool AnnouncesBody => Headers.ContentLength > 0;

    /// <summary>Whether the headers say nothing of a body.</summary>
    public bool LeavesBodyOpen => !HasBody && Headers.ContentLength is null;

    /// <summary>Whether the body came as text, in which Envoy puts an exclamation mark for what is none.</summary>
    public bool IsTextBody => _http.RawBody.IsEmpty && _http.Body.Length > 0;

    /// <summary>Whether the headers came as text, those of one name joined.</summary>
    public bool AreTextHeaders => _http.HeaderMap is not { Headers.Count: > 0 } && _http.Headers.Count > 0;

    /// <summary>Whether a byte of the body may have been another one.</summary>
    public bool MayDiffer => IsTextBody && _http.Body.Contains('!', StringComparison.Ordinal);

    /// <summary>The body as a piece, as far as it can be shown; of a request that has one.</summary>
    /// <param name="options">What the filter does with bodies.</param>
    public BodyPiece Piece(EnvoyFilterOptions options)
    {
        var length = Headers.ContentLength;
        return options.WithRequestBody != RequestBodies.Shown ? new BodyPiece(default, BodyEnd.Unseen, length)
            : MayDiffer && !options.AllowsTextForm ? new BodyPiece(default, BodyEnd.Truncated, length)
            : new BodyPiece(Body, !HasBody || _partial == PartialBody.GoesOn ? BodyEnd.Truncated : BodyEnd.Last, length);
    }

    /// <summary>The event for agents.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="body">The body as a piece; null when the request has none.</param>
    /// <param name="now">The time of day.</param>
    public RequestHeadersEvent Event(Exchange exchange, BodyPiece? body, DateTimeOffset now)
    {
        var source = _attributes.Source?.Address?.SocketAddress;
        return new RequestEventBuilder
        {
            RequestId = RequestEventBuilder.Short(Headers.Headers.Get("x-request-id")),
            Client = new ClientConnection
            {
                Ip = IPAddress.IsValid(source?.Address) ? source!.Address : "",
                Port = source?.PortValue is <= ushort.MaxValue and var port ? (ushort)port : (ushort)0,
            },
            ServerName = RequestEventBuilder.Short(_attributes.TlsSession?.Sni),
            Host = Headers.Authority,
            Protocol = RequestEventBuilder.Short(_http.Protocol),
            Method = Headers.Method!,
            Uri = WireText.Of(Headers.Target!),
            Headers = Headers.Headers,
            HasBody = body is { End: not BodyEnd.Unseen },
        }.Build(exchange, now);
    }

    // One form for both. What the headers themselves say of the request line goes first: only there non-UTF-8 bytes have survived.
    private static HeaderMap Join(AttributeContext.Types.HttpRequest http, out string? partial)
    {
        var map = new HeaderMap();
        partial = null;
        var fields = http.HeaderMap is { Headers.Count: > 0 } raw
            ? raw.Headers
            : http.Headers.Select(static pair => new HeaderValue { Key = pair.Key, Value = pair.Value });
        foreach (var field in fields)
        {
            if (field.Key.Equals(PartialBody.Name, StringComparison.OrdinalIgnoreCase))
            {
                // Of several the last is Envoy's own.
                partial = field.RawValue.IsEmpty ? field.Value : field.RawValue.ToStringUtf8();
                continue;
            }

            map.Headers.Add(field);
        }

        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[
            (":method", http.Method), (":path", http.Path), (":authority", http.Host), (":scheme", http.Scheme)])
        {
            if (value.Length > 0)
            {
                map.Headers.Add(new HeaderValue { Key = name, RawValue = ByteString.CopyFromUtf8(value) });
            }
        }

        return map;
    }
}
