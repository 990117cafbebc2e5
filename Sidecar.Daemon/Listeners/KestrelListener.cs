using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>One HTTP listener: a Kestrel of its own, because Kestrel's limits are per server, in front of one application.</summary>
/// <remarks>Header bytes become chars one to one in both directions (Latin-1), so that no value is refused or changed on the way.</remarks>
internal sealed class KestrelListener : IAsyncDisposable
{
    // For connections to be closed after an answer.
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);

    private readonly KestrelServer _server;
    private readonly Meter? _meter;
    private readonly UnixListenerSocket _socket;
    private volatile bool _leaves;
    private int _stopped;

    /// <summary>A listener that does not listen yet.</summary>
    public KestrelListener(KestrelListenerOptions options, ILoggerFactory loggers)
    {
        _socket = new UnixListenerSocket(options.Socket, loggers.CreateLogger<UnixListenerSocket>());
        var accepting = new SocketListenerOptions
        {
            Name = options.Name,
            MaxConnections = options.MaxConnections,
            Backlog = options.Socket.Backlog,
            Time = options.Time,
        };
        var pipes = new PolledPipes(options.RunsOnPoller, options.SegmentSize);
        var logger = loggers.CreateLogger<KestrelListener>();
        var transport = new KestrelTransport(accepting, options.SilenceTimeout, pipes, _socket.Bind, logger);
        _server = KestrelMeter.Make(() => new KestrelServer(Options.Create(ServerOptions(options)), transport, loggers), out _meter);
    }

    /// <summary>Where it listens, as a URL; with the port that was chosen when port 0 was asked for. Meaningful once started.</summary>
    public string Address => _server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "";

    /// <summary>Starts to listen and to hand requests to the application.</summary>
    /// <exception cref="ListenerSocketException">The socket's path cannot be used.</exception>
    /// <exception cref="IOException">The address is taken.</exception>
    public Task StartAsync(IHttpApplication<IFeatureCollection> application, CancellationToken cancellation) =>
        _server.StartAsync(new LeavingApplication(application, () => _leaves), cancellation);

    /// <summary>
    /// Another process listens here now: connections of HTTP/1 are closed after their next answer, which says so. One that is closed while
    /// it is idle may have a request on its way, and a proxy repeats none that is a POST.
    /// </summary>
    public void Leave() => _leaves = true;

    /// <summary>Removes the socket file, if it is still ours: new connections no longer find the listener. It serves whom it has.</summary>
    public void Unlink() => _socket.Unlink();

    /// <summary>Waits, after <see cref="Leave"/>, until connections in use have gone, at most until the token fires.</summary>
    public async Task DrainAsync(CancellationToken timeIsUp)
    {
        if (_leaves)
        {
            await Task.Delay(LeaveTimeout, TimeProvider.System, timeIsUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Stops: the socket file goes first, so that new connections go elsewhere; whoever is connected is still answered; what is not
    /// finished when the token fires is cut off. Only the first call counts.
    /// </summary>
    /// <param name="cutOff">Ends the grace.</param>
    public async Task StopAsync(CancellationToken cutOff)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }

        _socket.Unlink();
        await _server.StopAsync(cutOff).ConfigureAwait(false);
    }

    /// <summary>Stops without grace if it was not stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _server.Dispose();
        _meter?.Dispose();
        _socket.Dispose();
    }

    private static KestrelServerOptions ServerOptions(KestrelListenerOptions options)
    {
        var server = new KestrelServerOptions
        {
            AddServerHeader = false,
            RequestHeaderEncodingSelector = static _ => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static _ => Encoding.Latin1,
        };
        var limits = server.Limits;
        limits.MaxRequestBufferSize = options.MaxHeaderBytes;
        limits.MaxRequestLineSize = options.MaxHeaderBytes;
        limits.MaxRequestHeadersTotalSize = options.MaxHeaderBytes;
        limits.MaxRequestHeaderCount = options.MaxHeaderCount;
        limits.MaxRequestBodySize = options.MaxRequestBodyBytes;
        limits.KeepAliveTimeout = options.KeepAlive;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        if (options.EndPoint is IPEndPoint address)
        {
            server.Listen(address, listen => listen.Protocols = options.Protocols);
        }
        else
        {
            server.ListenUnixSocket(options.EndPoint.ToString()!, listen => listen.Protocols = options.Protocols);
        }

        options.Limits?.Invoke(server);
        return server;
    }
}
