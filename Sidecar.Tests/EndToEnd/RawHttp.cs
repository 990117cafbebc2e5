using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>An HTTP client that sends exactly the bytes it is given, because real clients tidy up what attackers do not.</summary>
internal static class RawHttp
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Sends a request, adds what every request needs, and reads the answer to its end.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="requestLine">For example <c>GET /../healthz HTTP/1.1</c>; each char is one byte.</param>
    /// <param name="headers">Lines such as <c>X-User: mallory</c>; each char is one byte.</param>
    public static Task<RawAnswer> SendAsync(int port, string requestLine, params IEnumerable<string> headers) =>
        ExchangeAsync(port, [requestLine, "Host: shop.example.org", .. headers, "Connection: close", "", ""], "");

    /// <summary>The same with a body; how it is framed is said by the headers.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="requestLine">For example <c>POST / HTTP/1.1</c>.</param>
    /// <param name="body">The bytes after the headers, a char for each.</param>
    /// <param name="headers">Lines such as <c>Content-Length: 3</c>.</param>
    public static Task<RawAnswer> SendBodyAsync(int port, string requestLine, string body, params IEnumerable<string> headers) =>
        ExchangeAsync(port, [requestLine, "Host: shop.example.org", .. headers, "Connection: close", "", ""], body);

    private static async Task<RawAnswer> ExchangeAsync(int port, string[] lines, string body)
    {
        using var limit = new CancellationTokenSource(Limit, TimeProvider.System);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), limit.Token);
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(string.Join("\r\n", lines) + body), limit.Token);
        }
        catch (SocketException) when (body.Length > 0)
        {
            // A proxy that refuses need not read the rest; what it answered is there all the same.
        }

        using var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await ReceiveAsync(socket, buffer, limit.Token) is > 0 and var count)
        {
            answer.Write(buffer, 0, count);
        }

        return RawAnswer.Parse(Encoding.Latin1.GetString(answer.ToArray()));
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
        var headers = lines.Skip(1).Select(static line => line.Split(": ", 2)).ToLookup(static pair => pair[0], static pair => pair[^1], StringComparer.OrdinalIgnoreCase);
        return new RawAnswer(int.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), headers, text[(end + 4)..]);
    }
}
