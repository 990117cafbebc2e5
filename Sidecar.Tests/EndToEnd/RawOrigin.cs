using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A request as an upstream got it; a char for each byte.</summary>
/// <param name="Method">The method.</param>
/// <param name="Target">The raw target.</param>
/// <param name="Headers">Its header fields in order.</param>
/// <param name="Body">Its body, without the framing.</param>
/// <param name="Trailers">What stood behind the last chunk, as it came.</param>
internal sealed record OriginRequest(string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers, string Body, string Trailers)
{
    public string? Header(string name) => All(name).FirstOrDefault();

    /// <summary>The values of all fields of a name, in order.</summary>
    public IEnumerable<string> All(string name) =>
        Headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(static header => header.Value);
}

/// <summary>
/// An upstream that keeps every request as it came, and agrees to every protocol that it is asked to upgrade to: the first that comes then it keeps
/// and echoes, and closes.
/// </summary>
internal sealed class RawOrigin : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<OriginRequest> _requests = [];
    private readonly ConcurrentQueue<string> _tunnelled = [];
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;

    public RawOrigin()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

    /// <summary>An empty 200.</summary>
    public static Func<OriginRequest, Stream, CancellationToken, Task> Empty { get; } =
        static (_, stream, stop) => stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), stop).AsTask();

    /// <summary>Answers a request that asks for no upgrade; one that throws an <see cref="IOException"/> ends the connection.</summary>
    public Func<OriginRequest, Stream, CancellationToken, Task> Answers { get; set; } = Empty;

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>What came whole.</summary>
    public IReadOnlyCollection<OriginRequest> Requests => _requests;

    /// <summary>What came on upgraded connections.</summary>
    public string Tunnelled => string.Concat(_tunnelled);

    /// <summary>Puts this upstream into a ready configuration of HAProxy.</summary>
    public string InPlaceOfOrigin(string configuration) => string.Join(
        '\n',
        configuration.Split('\n').Select(line => line.Contains("server origin ", StringComparison.Ordinal) ? $"    server origin 127.0.0.1:{Port}" : line));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _connections.Add(ServeAsync(await _listener.AcceptAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var stream = new NetworkStream(socket, ownsSocket: true);
        var input = new Input(stream, _stop.Token);
        try
        {
            while (await input.LineAsync() is { Length: > 0 } line)
            {
                var request = await ReadAsync(line, input);
                _requests.Enqueue(request);
                if (request.Header("upgrade") is { } protocol)
                {
                    await TunnelAsync(stream, input, request, protocol);
                    return;
                }

                await Answers(request, stream, _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or FormatException)
        {
            // The proxy went away in the middle: no request.
        }
    }

    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 §4.2.2 wants it; nothing is protected by it.")]
    private async Task TunnelAsync(NetworkStream stream, Input input, OriginRequest request, string protocol)
    {
        var accept = Convert.ToBase64String(
            SHA1.HashData(Encoding.ASCII.GetBytes(request.Header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
        await stream.WriteAsync(
            Encoding.Latin1.GetBytes(
                $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"), _stop.Token);
        var bytes = await input.SomeAsync();
        _tunnelled.Enqueue(bytes);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(bytes), _stop.Token);
    }

    private static async Task<OriginRequest> ReadAsync(string line, Input input)
    {
        var words = line.Split(' ');
        var headers = new List<(string Name, string Value)>();
        while (await input.LineAsync() is { Length: > 0 } field)
        {
            var colon = field.IndexOf(':');
            headers.Add((field[..colon], field[(colon + 1)..].Trim(' ')));
        }

        var request = new OriginRequest(words[0], words[1], headers, "", "");
        if (request.Header("transfer-encoding") is null)
        {
            return request with { Body = await input.BytesAsync(int.Parse(request.Header("content-length") ?? "0", CultureInfo.InvariantCulture)) };
        }

        var body = new StringBuilder();
        while (int.Parse(await input.LineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and var size)
        {
            body.Append(await input.BytesAsync(size));
            await input.LineAsync();
        }

        var trailers = new StringBuilder();
        while (await input.LineAsync() is { Length: > 0 } trailer)
        {
            trailers.Append(trailer).Append('\n');
        }

        return request with { Body = body.ToString(), Trailers = trailers.ToString() };
    }

    /// <summary>Bytes of a connection, a char for each. An end of it is an empty line.</summary>
    private sealed class Input(NetworkStream stream, CancellationToken cancellation)
    {
        private readonly byte[] _buffer = new byte[16 * 1024];
        private (int At, int End) _rest;

        public async Task<string> LineAsync()
        {
            var line = new StringBuilder();
            while (await FillAsync())
            {
                var text = _buffer.AsSpan(_rest.At, _rest.End - _rest.At);
                var end = text.IndexOf((byte)'\n');
                line.Append(Encoding.Latin1.GetString(end < 0 ? text : text[..end]));
                _rest.At += end < 0 ? text.Length : end + 1;
                if (end >= 0)
                {
                    break;
                }
            }

            return line.ToString().TrimEnd('\r');
        }

        public async Task<string> BytesAsync(int count)
        {
            var bytes = new StringBuilder();
            while (bytes.Length < count)
            {
                if (!await FillAsync())
                {
                    throw new EndOfStreamException();
                }

                bytes.Append(Take(count - bytes.Length));
            }

            return bytes.ToString();
        }

        public async Task<string> SomeAsync() => await FillAsync() ? Take(int.MaxValue) : "";

        private string Take(int most)
        {
            var count = Math.Min(most, _rest.End - _rest.At);
            _rest.At += count;
            return Encoding.Latin1.GetString(_buffer, _rest.At - count, count);
        }

        private async Task<bool> FillAsync()
        {
            if (_rest.At == _rest.End)
            {
                _rest = (0, await stream.ReadAsync(_buffer, cancellation));
            }

            return _rest.End > 0;
        }
    }
}
