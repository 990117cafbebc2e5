using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>An upstream that takes what it is sent as it is, tidies nothing, and answers everything with an empty 200.</summary>
internal sealed class AttackOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly ConcurrentQueue<WireMessage> _received = new();
    private readonly ConcurrentQueue<string> _broken = new();
    private readonly Action<WireMessage> _take;
    private readonly Task _accepting;

    /// <summary>Starts to listen.</summary>
    /// <param name="take">Called with each whole request, from many threads; null to keep them all in <see cref="Received"/>.</param>
    public AttackOrigin(Action<WireMessage>? take = null)
    {
        _take = take ?? _received.Enqueue;
        _listener.Start(1024);
        _accepting = AcceptAsync();
    }

    /// <summary>On loopback.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Every whole request that it has been sent.</summary>
    public IReadOnlyList<WireMessage> Received => [.. _received];

    /// <summary>What ended within a request or was none.</summary>
    public IReadOnlyList<string> Broken => [.. _broken];

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var serving = ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token));
                _connections.TryAdd(serving, true);
                _ = serving.ContinueWith(done => _connections.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        await using var stopped = _stopping.Token.Register(socket.Dispose);
        try
        {
            var reader = new WireReader(stream);
            while (await reader.RequestAsync() is { } request)
            {
                _take(request);
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nX-Origin: raw\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _stopping.Token);
                if (request.Values("connection").Any(static value => value.Equals("close", StringComparison.OrdinalIgnoreCase)))
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or OverflowException)
        {
            _broken.Enqueue(e.Message);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The proxy is gone, or the test is at its end.
        }
    }
}
