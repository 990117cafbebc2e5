using System.Net;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>NOTIFYs as the ready configuration makes HAProxy send them.</summary>
internal static class SpopAsk
{
    public static (string Key, object? Value)[] RequestArguments(
        string id = "tx-1", string path = "/", string? query = null, string method = "GET", (string, string)[]? headers = null, byte[]? body = null,
        long? bodySize = null)
    {
        var uri = query is null ? path : $"{path}?{query}";
        (string Name, string Value)[] all = [("host", "shop.example.org"), .. headers ?? []];
        var length = (long)(body?.Length ?? 0);
        return
        [
            ("id", id), ("src", IPAddress.Parse("192.0.2.7")), ("src-port", 4711), ("method", method), ("uri", uri), ("ver", "1.1"), ("headers", SpopProxy.HeaderBlock(all)),
            ("len", HeldFor(method, uri, all) + length), ("whole", bodySize is null || bodySize <= length), ("body", body ?? []),
        ];
    }

    /// <summary>What HAProxy says that it holds of a request besides the body.</summary>
    public static long HeldFor(string method, string uri, params (string Name, string Value)[] headers) =>
        method.Length + uri.Length + "HTTP/1.1".Length + 21 + headers.Sum(static header => header.Name.Length + header.Value.Length);

    public static byte[] Request(
        string id = "tx-1", string path = "/", string? query = null, string method = "GET", (string, string)[]? headers = null, byte[]? body = null,
        long? bodySize = null, ulong stream = 1) =>
        SpopProxy.NotifyFrame(stream, 1, "sidecar-request", RequestArguments(id, path, query, method, headers, body, bodySize));

    public static byte[] Response(
        string id = "tx-1", int status = 200, (string, string)[]? headers = null, byte[]? body = null, ulong stream = 3) =>
        SpopProxy.NotifyFrame(stream, 1, "sidecar-response",
            ("id", id), ("status", status), ("ver", "1.1"), ("headers", SpopProxy.HeaderBlock(headers ?? [("content-length", $"{body?.Length ?? 0}")])),
            ("body_size", (long)(body?.Length ?? 0)), ("body_len", (long)(body?.Length ?? 0)), ("body", body ?? []));
}
