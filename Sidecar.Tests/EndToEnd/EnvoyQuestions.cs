using System.Text;
using Google.Protobuf;
using Sidecar.Protocol.Envoy;
using Sidecar.Tests.FrontEnds.Common;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// What Envoy asks about a request that a client sends (proxy integration §3.2, §3.5): with all request attributes, or with raw headers and the TLS
/// session.
/// </summary>
/// <remarks>Envoy writes names in lower case, takes away what is of the client's connection, and adds three headers of its own.</remarks>
internal static class EnvoyQuestions
{
    /// <summary>Headers that Envoy sets itself, whatever the client sent, and one that it leaves as nginx does not.</summary>
    public static readonly string[] OfEnvoy = ["x-forwarded-for", "x-forwarded-proto", "x-request-id", "te"];

    private const string ClientAddress = "127.0.0.1";
    private const int ClientPort = 40_000;
    private static readonly string[] OfConnection = ["connection", "keep-alive", "proxy-connection"];

    /// <summary>The first message of ext_proc.</summary>
    public static ProcessingRequest Process(string requestLine, IEnumerable<string> headers) => new ProcessingRequest
    {
        RequestHeaders = new HttpHeaders { Headers = Headers(requestLine, headers), EndOfStream = true },
        ProtocolConfig = new ProtocolConfiguration(),
    }.With(("source.address", $"{ClientAddress}:{ClientPort}"), ("source.port", ClientPort), ("request.id", "r-1"), ("request.protocol", "HTTP/1.1"));

    /// <summary>The question of ext_authz.</summary>
    public static CheckRequest Check(string requestLine, IEnumerable<string> headers)
    {
        var map = Headers(requestLine, headers);
        var http = new AttributeContext.Types.HttpRequest { Protocol = "HTTP/1.1", HeaderMap = map };
        (http.Method, http.Path, http.Host, http.Scheme) = (Value(map, ":method"), Value(map, ":path"), Value(map, ":authority"), Value(map, ":scheme"));
        var source = new Address { SocketAddress = new SocketAddress { Address = ClientAddress, PortValue = ClientPort } };
        return new CheckRequest
        {
            Attributes = new AttributeContext
            {
                Source = new AttributeContext.Types.Peer { Address = source },
                Request = new AttributeContext.Types.Request { Http = http },
            },
        };
    }

    private static HeaderMap Headers(string requestLine, IEnumerable<string> lines)
    {
        var words = requestLine.Split(' ');
        var target = words[1];
        var authority = "shop.example.org";
        if (Uri.TryCreate(target, UriKind.Absolute, out var absolute) && absolute.Scheme == Uri.UriSchemeHttp)
        {
            (authority, target) = (absolute.Authority, absolute.PathAndQuery);
        }

        var map = new HeaderMap();
        Add(map, ":method", words[0]);
        Add(map, ":path", target);
        Add(map, ":authority", authority);
        Add(map, ":scheme", "http");
        var forwarded = ClientAddress;
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = (line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim());
            if (name == "x-forwarded-for")
            {
                forwarded = $"{value},{ClientAddress}";
            }
            else if (!OfConnection.Contains(name))
            {
                Add(map, name, value);
            }
        }

        Add(map, OfEnvoy[0], forwarded);
        Add(map, OfEnvoy[1], "http");
        Add(map, OfEnvoy[2], "r-1");
        return map;
    }

    private static void Add(HeaderMap map, string name, string value) =>
        map.Headers.Add(new HeaderValue { Key = name, RawValue = ByteString.CopyFrom(Encoding.Latin1.GetBytes(value)) });

    private static string Value(HeaderMap map, string name) => map.Headers.First(header => header.Key == name).RawValue.ToStringUtf8();
}
