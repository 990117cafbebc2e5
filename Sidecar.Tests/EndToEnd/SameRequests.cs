using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Requests of which every proxy is to tell the agents the same, and what an agent was told, as text.</summary>
internal static class SameRequests
{
    /// <summary>The request line, then header lines; each char is one byte.</summary>
    public static readonly string[][] All =
    [
        ["GET / HTTP/1.1"],
        ["GET /a/b?c=d&e=%2f HTTP/1.1", "Accept: text/html", "Accept: text/plain", "Cookie: a=b", "Cookie: c=d", "User-Agent: test"],
        ["GET /empty-query? HTTP/1.1", "X-Empty:", "X-Latin: caf\u00e9", "X-Utf8: caf\u00c3\u00a9"],
        ["GET //double//slash/../up/%2e%2e/./x;p=1 HTTP/1.1", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        ["HEAD /head HTTP/1.1", "X-Forwarded-For: 203.0.113.9", "Connection: keep-alive", "Keep-Alive: 300", "TE: trailers"],
        ["DELETE /thing HTTP/1.1", "Content-Length: 0", "X-Sidecar-Id: forged", "X_Sidecar_Cause: forged", "X-User: mallory"],
        ["GET http://shop.example.org/absolute?x HTTP/1.1"],
    ];

    /// <summary>The event field by field. Ids, ports and times are of the one request; the order of headers of different names means nothing.</summary>
    /// <param name="message">The event.</param>
    /// <param name="without">Headers to leave out.</param>
    public static string Describe(RequestHeadersEvent message, params string[] without)
    {
        var metadata = message.Metadata;
        var text = new StringBuilder();
        text.AppendLine(null, $"{message.Method} {message.Uri}");
        text.AppendLine(null, $"ip {metadata.ClientIp} port {metadata.ClientPort > 0} server {metadata.ServerName} protocol {metadata.Protocol} tls "
            + $"{metadata.TlsVersion}/{metadata.TlsCipher}");
        text.AppendLine(null, $"route {metadata.RouteId} trace {metadata.Traceparent} id {metadata.RequestId.Length > 0} time {metadata.Timestamp.Length}");
        var headers = message.Headers;
        foreach (var name in Enumerable.Range(0, headers.Count)
            .Select(i => Encoding.UTF8.GetString(headers.Name(i)))
            .Distinct()
            .Except(without)
            .Order(StringComparer.Ordinal))
        {
            text.AppendLine(null, $"{name}: {string.Join(" | ", headers.GetAll(name))}");
        }

        return text.ToString();
    }
}
