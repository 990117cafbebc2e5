using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>
/// An upstream that takes what it is sent as it is, tidies nothing, and answers everything with an empty 200 unless it is told what else. What follows a 101 it
/// echoes.
/// </summary>
internal sealed class AttackOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly ConcurrentQueue<WireMessage> _received = new();
    private readonly ConcurrentQueue<string> _broken = new();
    private readonly Action<WireMessage> _take;
    private readonly Func<WireMessage, IAsyncEnumerable<byte[]>> _answer;
    private readonly Task _accepting;

    /// <summary>Starts to listen.</summary>
    /// <param name="take">Called with each whole request, from many threads; null to keep them all in <see cref="Received"/>.</param>
    /// <param name="answer">The whole answer to a request, in bytes; null for an empty 200.</param>
    /// <param name="pieces">Instead of it, an answer in pieces as they are sent.</param>
    public AttackOrigin(
        Action<WireMessage>? take = null, Func<WireMessage, byte[]>? answer = null, Func<WireMessage, IAsyncEnumerable<byte[]>>? pieces = null)
    {
        answer ??= static _ => "HTTP/1.1 200 OK\r\nX-Origin: raw\r\nContent-Length: 0\r\n\r\n"u8.ToArray();
        _answer = pieces ?? (request => new[] { answer(request) }.ToAsyncEnumerable());
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
                _ = serving.ContinueWith(
                    done => _connections.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
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
                await foreach (var piece in _answer(request).WithCancellation(_stopping.Token))
                {
                    await stream.WriteAsync(piece, _stopping.Token);
                    if (piece.AsSpan().StartsWith("HTTP/1.1 101"u8))
                    {
                        // A client may have spoken before it was told that it may.
                        await stream.WriteAsync(reader.TakeRead(), _stopping.Token);
                        await stream.CopyToAsync(stream, _stopping.Token);
                        return;
                    }
                }

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
