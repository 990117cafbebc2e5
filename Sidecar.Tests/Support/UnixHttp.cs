using System.Net.Sockets;
using System.Text;

namespace Sidecar.Tests.Support;

/// <summary>HTTP over a Unix socket: a client that sends paths and header bytes as they are, and one for requests that no client would send.</summary>
internal static class UnixHttp
{
    /// <summary>A client with one connection pool for the socket. Paths are sent as given, header chars are bytes, no redirect is followed.</summary>
    public static HttpClient Client(string socketPath)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(90) };
    }

    /// <summary>A GET for a path that is sent byte for byte.</summary>
    public static HttpRequestMessage Get(string rawPath) =>
        new(HttpMethod.Get, new Uri("http://sidecar" + rawPath, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));

    /// <summary>Sends a request as it stands, a char per byte, and returns all that comes until the server closes.</summary>
    /// <param name="socketPath">The server.</param>
    /// <param name="request">The whole request; it should say <c>Connection: close</c>.</param>
    public static async Task<string> ExchangeAsync(string socketPath, string request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath));
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(90));
    }
}
