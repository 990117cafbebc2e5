using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>Short ways to write what Envoy sends.</summary>
internal static class Messages
{
    public static ProcessingRequest Request(
        bool last = false, BodySendMode? request = null, BodySendMode? response = null, params (string Name, string Value)[] headers) => new()
        {
            RequestHeaders = new HttpHeaders
            {
                EndOfStream = last,
                Headers = Map([(":method", "POST"), (":scheme", "https"), (":authority", "shop.example"), (":path", "/a?b=c"), .. headers]),
            },
            ProtocolConfig = request is null && response is null
            ? null
            : new ProtocolConfiguration { RequestBodyMode = request ?? default, ResponseBodyMode = response ?? default },
        };

    public static ProcessingRequest Response(bool last = false, string status = "200", params (string Name, string Value)[] headers) =>
        new() { ResponseHeaders = new HttpHeaders { EndOfStream = last, Headers = Map([(":status", status), .. headers]) } };

    public static ProcessingRequest Headers(Direction direction, bool last, BodySendMode mode, params (string Name, string Value)[] headers) =>
        direction == Direction.Request ? Request(last, mode, mode, headers) : Response(last, "200", headers);

    public static ProcessingRequest Body(Direction direction, string text, bool last = false)
    {
        var body = new HttpBody { Body = ByteString.CopyFromUtf8(text), EndOfStream = last };
        return direction == Direction.Request ? new ProcessingRequest { RequestBody = body } : new ProcessingRequest { ResponseBody = body };
    }

    public static ProcessingRequest Trailers(Direction direction)
    {
        var trailers = new HttpTrailers { Trailers = Map([("x-sum", "1")]) };
        return direction == Direction.Request ? new ProcessingRequest { RequestTrailers = trailers } : new ProcessingRequest { ResponseTrailers = trailers };
    }

    public static HeaderMap Map(params (string Name, string Value)[] headers)
    {
        var map = new HeaderMap();
        map.Headers.AddRange(headers.Select(static header => new HeaderValue { Key = header.Name, RawValue = ByteString.CopyFromUtf8(header.Value) }));
        return map;
    }

    /// <summary>A question of ext_authz about a request.</summary>
    public static CheckRequest Question(params (string Name, string Value)[] headers)
    {
        var http = new AttributeContext.Types.HttpRequest { Method = "POST", Path = "/a?b=c", Host = "shop.example", Scheme = "https", Protocol = "HTTP/2" };
        http.Headers["content-length"] = "0";
        foreach (var (name, value) in headers)
        {
            http.Headers[name] = value;
        }

        return new CheckRequest
        {
            Attributes = new AttributeContext
            {
                Source = new AttributeContext.Types.Peer { Address = new Address { SocketAddress = new SocketAddress { Address = "192.0.2.7", PortValue = 4711 } } },
                Request = new AttributeContext.Types.Request { Http = http },
                TlsSession = new AttributeContext.Types.TLSSession { Sni = "sni.example" },
            },
        };
    }

    /// <summary>Says who made a response, in Envoy's words, for example <c>via_upstream</c>.</summary>
    public static ProcessingRequest By(this ProcessingRequest message, string details) => message.With(("response.code_details", details));

    /// <summary>Adds attributes under the filter's name.</summary>
    public static ProcessingRequest With(this ProcessingRequest message, params (string Name, object Value)[] attributes)
    {
        var fields = new Struct();
        foreach (var (name, value) in attributes)
        {
            fields.Fields[name] = value is string text ? Value.ForString(text) : Value.ForNumber(Convert.ToDouble(value, null));
        }

        message.Attributes["envoy.filters.http.ext_proc"] = fields;
        return message;
    }

    /// <summary>The changes of a mutation, for example <c>-a b=1 c+2</c>. Checks that both ways to append agree and that there is only a raw value.</summary>
    public static string Text(this HeaderMutation? mutation)
    {
        if (mutation is null)
        {
            return "";
        }

        var sets = mutation.SetHeaders.Select(static set =>
        {
            var isAdded = set.Append == true;
            var agrees = isAdded == (set.AppendAction == HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd)
                && (isAdded || set.AppendAction == HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd) && set.Header.Value.Length == 0;
            return agrees ? set.Header.Key + (isAdded ? "+" : "=") + set.Header.RawValue.ToStringUtf8() : "inconsistent " + set;
        });
        return string.Join(' ', mutation.RemoveHeaders.Select(static name => "-" + name).Concat(sets));
    }
}
