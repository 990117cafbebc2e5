using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>Gives Kestrel its connections from the accept loop that all listeners have, and only those that have begun to speak.</summary>
/// <remarks>
/// Kestrel's own loop has no bound and turns at once after a failed accept; and a connection it knows of costs it work every second.
/// </remarks>
/// <param name="options">What the listener bears.</param>
/// <param name="silence">How long a new connection may say nothing.</param>
/// <param name="pipes">Those of its connections.</param>
/// <param name="createListenSocket">Makes the bound socket.</param>
/// <param name="logger">Is told of every bound that is reached.</param>
internal sealed class KestrelTransport(
    SocketListenerOptions options, TimeSpan silence, PolledPipes pipes, Func<EndPoint, Socket> createListenSocket, ILogger logger)
    : IConnectionListenerFactory
{
    /// <summary>Starts to listen.</summary>
    /// <exception cref="AddressInUseException">Somebody listens there.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            return new(new Listener(options, silence, pipes, createListenSocket(endpoint), logger));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
    }

    private sealed class Listener : IConnectionListener
    {
        // An application that does not heed the end of its connection is left behind.
        private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(5);

        private readonly SocketListenerOptions _options;
        private readonly TimeSpan _silence;
        private readonly SocketListener _listener;
        private readonly PolledPipes _pipes;
        private readonly SocketPollers _pollers;
        private readonly CancellationTokenSource _unbound = new();

        // Holds no more than may be open.
        private readonly Channel<ConnectionContext> _ready = Channel.CreateUnbounded<ConnectionContext>();

        public Listener(SocketListenerOptions options, TimeSpan silence, PolledPipes pipes, Socket bound, ILogger logger)
        {
            (_options, _silence, _pipes) = (options, silence, pipes);
            EndPoint = bound.LocalEndPoint!;
            _pollers = new SocketPollers($"listener {options.Name}", logger);
            _listener = new SocketListener(options, ServeAsync, logger);
            try
            {
                _listener.Start(bound);
            }
            catch
            {
                _pollers.Stop();
                throw;
            }
        }

        private int _connections;

        public EndPoint EndPoint { get; }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await _ready.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (_ready.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }

            return null;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _listener.StopAcceptingAsync().ConfigureAwait(false);
            await _unbound.CancelAsync().ConfigureAwait(false);
            _ready.Writer.TryComplete();
        }

        public async ValueTask DisposeAsync()
        {
            await UnbindAsync(CancellationToken.None).ConfigureAwait(false);
            while (_ready.Reader.TryRead(out var connection))
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            var aborting = _listener.AbortAsync();
            await aborting.WaitAsync(LongestEnd, _options.Time, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _pollers.DisposeAsync().AsTask()
                .WaitAsync(LongestEnd, _options.Time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task ServeAsync(AcceptedSocket accepted)
        {
            var number = Interlocked.Increment(ref _connections);
            PolledConnection connection;
            try
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"{_options.Name}-{number}");
                connection = new PolledConnection(accepted.Open(_pollers.Next(), _pipes.Receiving), id, accepted.Socket, _pipes.Sending);
            }
            catch (Exception e) when (_unbound.IsCancellationRequested && e is IOException or ObjectDisposedException)
            {
                // The end has come first; what else keeps it from being read is for the log.
                accepted.Close();
                return;
            }

            var first = await accepted.WaitForDataAsync(_silence, _options.Time, _unbound.Token).ConfigureAwait(false);
            if (first != FirstData.Came || !_ready.Writer.TryWrite(connection))
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            await connection.Ended.ConfigureAwait(false);
        }
    }
}
