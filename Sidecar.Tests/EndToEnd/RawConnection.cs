using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A connection of a client that sends the bytes it is given when it is told to, and reads as far as it is told to; each char is one byte.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(2), TimeProvider.System);
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[16 * 1024];
    private readonly StringBuilder _come = new();

    private RawConnection()
    {
    }

    /// <summary>All that has come.</summary>
    public string Come => _come.ToString();

    /// <summary>Connects.</summary>
    /// <param name="port">On loopback.</param>
    public static async Task<RawConnection> OpenAsync(int port)
    {
        var connection = new RawConnection();
        await connection._socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), connection._limit.Token);
        return connection;
    }

    public Task SendAsync(string bytes) => SendAsync(Encoding.Latin1.GetBytes(bytes));

    public async Task SendAsync(byte[] bytes) => await _socket.SendAsync(bytes, _limit.Token);

    /// <summary>Reads until this has come, or the end of all.</summary>
    public Task<string> ReadUntilAsync(string end) => ReadUntilAsync(come => come.Contains(end, StringComparison.Ordinal));

    /// <summary>Reads until what has come is enough, or the end of all.</summary>
    public async Task<string> ReadUntilAsync(Func<string, bool> isEnough)
    {
        while (!isEnough(Come) && await _socket.ReceiveAsync(_buffer, _limit.Token) is > 0 and var count)
        {
            _come.Append(Encoding.Latin1.GetString(_buffer, 0, count));
        }

        return Come;
    }

    /// <summary>Reads to the end.</summary>
    public Task<string> ReadToEndAsync() => ReadUntilAsync(static _ => false);

    public void Dispose()
    {
        _socket.Dispose();
        _limit.Dispose();
    }
}
