using System.Buffers.Binary;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Frames without encoding or decoding, against an echo: what the transport alone can carry, the measure for the codecs.</summary>
internal sealed class RawCaller : ICaller, IValueTaskSource<string?>
{
    private readonly FrameConnection _connection;
    private readonly OutgoingFrame _frame;

    // Mutable struct: must not be readonly.
    private ManualResetValueTaskSourceCore<string?> _source = new() { RunContinuationsAsynchronously = true };

    /// <summary>A worker with its own place on the connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="slot">Its number, which travels in the frame.</param>
    /// <param name="size">Bytes of payload, at least 4.</param>
    public RawCaller(FrameConnection connection, int slot, int size)
    {
        _connection = connection;
        var payload = new byte[size];
        BinaryPrimitives.WriteInt32BigEndian(payload, slot);
        _frame = new OutgoingFrame(MessageType.RequestHeaders, payload);
    }

    public long Messages { get; private set; }

    /// <summary>An echo knows no exchanges: each frame stands for one.</summary>
    public long Exchanges => Messages;

    public ValueTask<string?> CallAsync()
    {
        _source.Reset();
        var answer = new ValueTask<string?>(this, _source.Version);
        if (_connection.TrySend(_frame) != SendStatus.Sent)
        {
            _source.SetResult("the frame could not be sent");
        }

        return answer;
    }

    /// <summary>The echo has come, or never will.</summary>
    public void Complete(string? failure)
    {
        Messages += failure is null ? 1 : 0;
        _source.SetResult(failure);
    }

    public string? GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>A connection to an echo and the workers that share it.</summary>
internal sealed class RawConnection : IFrameHandler, IAsyncDisposable
{
    private readonly SocketPipes _pipes;
    private readonly FrameConnection _frames;
    private readonly RawCaller[] _callers;
    private readonly Task _running;

    private RawConnection(Socket socket, int callers, int size)
    {
        _pipes = new SocketPipes(socket);
        _frames = new FrameConnection(_pipes);
        _callers = [.. Enumerable.Range(0, callers).Select(slot => new RawCaller(_frames, slot, size))];
        _running = _frames.RunAsync(this);
    }

    /// <summary>The workers.</summary>
    public IReadOnlyList<ICaller> Callers => _callers;

    public static async Task<RawConnection> OpenAsync(string path, int callers, int size, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
        return new RawConnection(socket, callers, size);
    }

    public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload) =>
        _callers[BinaryPrimitives.ReadInt32BigEndian(payload.Span)].Complete(null);

    public void OnEnd(FrameConnectionEnd end, Exception? error)
    {
    }

    public async ValueTask DisposeAsync()
    {
        _frames.Close();
        await _running;
        await _pipes.DisposeAsync();
    }
}

/// <summary>Sends every frame back: the other end of a raw benchmark.</summary>
internal static class EchoServer
{
    private const int MaxConnections = 1024;

    /// <summary>Serves until the token fires.</summary>
    public static async Task RunAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        await using var listener = new SocketListener(
            new SocketListenerOptions { Name = path, MaxConnections = MaxConnections }, ServeAsync, NullLogger.Instance);
        listener.Start(socket);
        await Task.Delay(
            Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task ServeAsync(AcceptedSocket accepted)
    {
        await using var pipes = accepted.Open();
        var frames = new FrameConnection(pipes);
        await frames.RunAsync(new Echo(frames));
    }

    private sealed class Echo(FrameConnection frames) : IFrameHandler
    {
        public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
        {
            using var frame = FrameBuffer.Rent(MessageType.AgentResponse);
            payload.Span.CopyTo(frame.GetSpan(payload.Length));
            frame.Advance(payload.Length);
            frames.TrySend(frame.Finish());
        }

        public void OnEnd(FrameConnectionEnd end, Exception? error)
        {
        }
    }
}
