using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>An HTTP client that sends exactly the bytes it is given, because real clients tidy up what attackers do not.</summary>
internal static class RawHttp
{
    // Longer than the minute that patient proxies give the sidecar.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Sends a request, adds what every request needs, and reads the answer to its end.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="requestLine">For example <c>GET /../healthz HTTP/1.1</c>; each char is one byte.</param>
    /// <param name="headers">Lines such as <c>X-User: mallory</c>; each char is one byte.</param>
    public static Task<RawAnswer> SendAsync(int port, string requestLine, params IEnumerable<string> headers) =>
        ExchangeAsync(port, Compose(requestLine, headers, ""));

    /// <summary>Sends a request with a body, whose length is announced or which comes in chunks of 1,000 bytes, and reads the answer to its end.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="requestLine">For example <c>POST /upload HTTP/1.1</c>.</param>
    /// <param name="body">Each char is one byte.</param>
    /// <param name="isChunked">Whether it comes in chunks.</param>
    /// <param name="headers">Further headers.</param>
    public static Task<RawAnswer> SendBodyAsync(int port, string requestLine, string body, bool isChunked = false, params IEnumerable<string> headers)
    {
        if (!isChunked)
        {
            return ExchangeAsync(port, Compose(requestLine, [.. headers, $"Content-Length: {body.Length}"], body));
        }

        var chunks = body.Chunk(1000).Select(static chunk => $"{chunk.Length:x}\r\n{new string(chunk)}\r\n");
        return ExchangeAsync(port, Compose(requestLine, [.. headers, "Transfer-Encoding: chunked"], $"{string.Concat(chunks)}0\r\n\r\n"));
    }

    /// <summary>Sends a request with a body; how it is framed is said by the headers.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="requestLine">For example <c>POST / HTTP/1.1</c>.</param>
    /// <param name="body">The bytes after the headers, a char for each.</param>
    /// <param name="headers">Lines such as <c>Content-Length: 3</c>.</param>
    public static Task<RawAnswer> SendFramedAsync(int port, string requestLine, string body, params IEnumerable<string> headers) =>
        ExchangeAsync(port, Compose(requestLine, headers, body));

    /// <summary>Sends these bytes, each char one, and returns what comes until the server closes.</summary>
    public static async Task<string> ExchangeTextAsync(int port, string request)
    {
        using var limit = new CancellationTokenSource(Limit, TimeProvider.System);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), limit.Token);
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(request), limit.Token);
        }
        catch (SocketException)
        {
            // A proxy that refuses need not read the rest; what it answered is there all the same.
        }

        using var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await ReceiveAsync(socket, buffer, limit.Token) is > 0 and var count)
        {
            answer.Write(buffer, 0, count);
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    // A reset after the answer is the end of it, where not all of a body was read.
    private static async Task<int> ReceiveAsync(Socket socket, byte[] buffer, CancellationToken cancellation)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, cancellation);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }

    private static async Task<RawAnswer> ExchangeAsync(int port, string request) => RawAnswer.Parse(await ExchangeTextAsync(port, request));

    private static string Compose(string requestLine, IEnumerable<string> headers, string body) =>
        string.Join("\r\n", [requestLine, "Host: shop.example.org", .. headers, "Connection: close", "", body]);
}

/// <summary>An answer as it came.</summary>
internal sealed record RawAnswer(int Status, ILookup<string, string> Headers, string Body)
{
    public string Header(string name) => string.Join(", ", Headers[name]);

    public static RawAnswer Parse(string text)
    {
        // An interim answer (100) is not the answer.
        if (text.StartsWith("HTTP/1.1 1", StringComparison.Ordinal))
        {
            text = text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        }

        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.That(end, Is.GreaterThan(0), $"no whole answer: '{text}'");
        var lines = text[..end].Split("\r\n");
        var headers = lines.Skip(1).Select(static line => line.Split(": ", 2))
            .ToLookup(static pair => pair[0], static pair => pair[^1], StringComparer.OrdinalIgnoreCase);
        var body = text[(end + 4)..];
        return new RawAnswer(
            int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), headers, headers["Transfer-Encoding"].Contains("chunked") ? Join(body) : body);
    }

    private static string Join(string chunks)
    {
        var body = new StringBuilder();
        for (var at = 0; chunks.IndexOf("\r\n", at, StringComparison.Ordinal) is var end && end > at;)
        {
            var size = int.Parse(chunks.AsSpan(at, end - at), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Append(chunks, end + 2, size);
            at = end + 2 + size + 2;
        }

        return body.ToString();
    }
}
