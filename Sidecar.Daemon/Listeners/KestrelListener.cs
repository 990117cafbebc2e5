using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
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
            Limits =
            {
                MaxRequestBufferSize = options.MaxHeaderBytes,
                MaxRequestLineSize = options.MaxHeaderBytes,
                MaxRequestHeadersTotalSize = options.MaxHeaderBytes,
                MaxRequestHeaderCount = options.MaxHeaderCount,
                MaxRequestBodySize = options.MaxRequestBodyBytes,
                KeepAliveTimeout = options.KeepAlive,
                MinRequestBodyDataRate = null,
                MinResponseDataRate = null,
            },
        };
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

/// <summary>
/// An application whose answers close their connection while the listener leaves. HTTP/2 has a word of its own for that, which the server
/// says.
/// </summary>
/// <param name="application">What answers.</param>
/// <param name="leaves">Whether it leaves now.</param>
internal sealed class LeavingApplication(IHttpApplication<IFeatureCollection> application, Func<bool> leaves)
    : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures)
    {
        if (leaves() && contextFeatures.Get<IHttpRequestFeature>() is { } request && HttpProtocol.IsHttp11(request.Protocol))
        {
            contextFeatures.GetRequiredFeature<IHttpResponseFeature>().Headers.Connection = "close";
        }

        return application.CreateContext(contextFeatures);
    }

    public Task ProcessRequestAsync(IFeatureCollection context) => application.ProcessRequestAsync(context);

    public void DisposeContext(IFeatureCollection context, Exception? exception) => application.DisposeContext(context, exception);
}

/// <summary>Finds the meter that a server makes for itself, so that it can be disposed of with the server.</summary>
/// <remarks>
/// A server that is not made by a web host makes a meter that it neither shares nor disposes of, and every meter that is not disposed of is
/// kept by the runtime for ever: with listeners that come and go that is memory that grows, some KiB for each.
/// </remarks>
internal static class KestrelMeter
{
    private const string Name = "Microsoft.AspNetCore.Server.Kestrel";

    /// <summary>Makes a server.</summary>
    /// <param name="make">Makes it, on the calling thread.</param>
    /// <param name="meter">Its meter; null where it made none.</param>
    public static KestrelServer Make(Func<KestrelServer> make, out Meter? meter)
    {
        Meter? made = null;
        var thread = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                // Those of other servers are published at the start, or by other threads.
                if (instrument.Meter.Name == Name && Environment.CurrentManagedThreadId == Volatile.Read(ref thread))
                {
                    made = instrument.Meter;
                }
            },
        };
        listener.Start();
        Volatile.Write(ref thread, Environment.CurrentManagedThreadId);
        var server = make();
        meter = made;
        return server;
    }
}
