using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli.Bench;

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
        await frames.RunAsync(new Echo(frames)).ConfigureAwait(false);
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
