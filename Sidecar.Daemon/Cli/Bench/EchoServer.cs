using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Sends every frame back: the other end of a raw benchmark.</summary>
internal static class EchoServer
{
    /// <summary>Serves until the token fires.</summary>
    public static async Task RunAsync(string path, CancellationToken cancellation)
    {
        var factory = new SocketTransportFactory(Options.Create(new SocketTransportOptions { WaitForDataBeforeAllocatingBuffer = false }), NullLoggerFactory.Instance);
        await using var listener = await factory.BindAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
        try
        {
            while (await listener.AcceptAsync(cancellation).ConfigureAwait(false) is { } transport)
            {
                _ = ServeAsync(transport);
            }
        }
        catch (OperationCanceledException)
        {
            // The ordinary end.
        }
    }

    private static async Task ServeAsync(ConnectionContext transport)
    {
        var frames = new FrameConnection(transport.Transport);
        await frames.RunAsync(new Echo(frames)).ConfigureAwait(false);
        await transport.DisposeAsync().ConfigureAwait(false);
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
