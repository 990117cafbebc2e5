using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>The messages of an ordinary request, for measurements of cost.</summary>
internal static class TypicalMessages
{
    public static readonly CorrelationId Id = new(UInt128.MaxValue / 3);

    public static RequestHeadersEvent RequestHeaders()
    {
        var headers = new HeaderBlock();
        foreach (var (name, value) in new[]
        {
            ("host", "shop.example.com"), ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"), ("accept", "text/html"),
            ("accept-encoding", "gzip, br"), ("cookie", "session=0123456789abcdef"), ("accept", "*/*"),
        })
        {
            headers.Add(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        }

        return new RequestHeadersEvent
        {
            CorrelationId = Id,
            Metadata = new RequestMetadata
            {
                RequestId = "req-1",
                ClientIp = "10.0.0.1",
                ClientPort = 40000,
                Protocol = "HTTP/1.1",
                ServerName = "shop.example.com",
                Timestamp = "2026-01-02T03:04:05Z",
            },
            Method = "GET",
            Uri = "/cart?item=1",
            Headers = headers,
        };
    }
}
