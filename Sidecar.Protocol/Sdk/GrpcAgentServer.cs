using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>An agent that serves gRPC (spec §7), over TCP or a Unix socket, with or without TLS, and answers by its handler.</summary>
/// <remarks>
/// What gRPC has no field for cannot be answered: body mutations, a dropped WebSocket frame and routing metadata become the error decision,
/// because half an answer would be a wrong one.
/// </remarks>
/// <example><code>
/// var options = new GrpcAgentServerOptions { EndPoint = new IPEndPoint(IPAddress.Any, 50051), Capabilities = capabilities };
/// await using var server = new GrpcAgentServer(new MyHandler(), options);
/// await server.RunAsync();
/// </code></example>
public sealed class GrpcAgentServer : IAsyncDisposable
{
    // One stream per connection carries everything, so it gets a window for a burst of calls, and few others are needed.
    private const int StreamsPerConnection = 64;
    private const int StreamWindow = 1024 * 1024;

    private readonly IAgentHandler _handler;
    private readonly GrpcAgentServerOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly LogThrottle _throttle;
    private readonly WorkQueue _workers;
    private readonly ConcurrentDictionary<AgentConnection, byte> _connections = new();
    private readonly TaskCompletionSource _stopSignal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private WebApplication? _host;
    private IServer? _server;
    private Task? _stopping;
    private bool _started;
    private long _accepted;

    /// <summary>A server that is not listening yet.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There are to be no workers, or more than <see cref="AgentConnectionOptions.MostWorkers"/>.
    /// </exception>
    public GrpcAgentServer(IAgentHandler handler, GrpcAgentServerOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        _handler = handler;
        _options = options;
        _loggers = loggers ?? NullLoggerFactory.Instance;
        _logger = new BoundedLogger(_loggers.CreateLogger<GrpcAgentServer>(), options.Time);
        _throttle = new LogThrottle(options.Time);
        _workers = new WorkQueue(options, _logger);
    }

    /// <summary>The streams that are open.</summary>
    public ICollection<AgentConnection> Connections => _connections.Keys;

    /// <summary>Where it listens, as a URL; with the port that was chosen when port 0 was asked for. Meaningful once started.</summary>
    public string Address => _server?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "";

    /// <summary>
    /// Listens, serves until it is told to stop, and stops as <see cref="StopAsync"/> does: all that a program needs that is an agent and
    /// nothing else.
    /// </summary>
    /// <param name="cancellation">
    /// When to stop. Without one, SIGTERM and SIGINT (Ctrl+C) tell; a second signal ends the process at once, whatever its handlers do.
    /// </param>
    /// <returns>
    /// Completes without an exception when it was told to stop, by this or by <see cref="StopAsync"/>, and everything is closed.
    /// </returns>
    /// <exception cref="IOException">The address or path is taken. This and what follows is thrown before anything is served.</exception>
    /// <exception cref="InvalidDataException">A file of the TLS settings cannot be used.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public async Task RunAsync(CancellationToken cancellation = default)
    {
        using var end = new EndOfRun(cancellation);
        await StartAsync(CancellationToken.None).ConfigureAwait(false);
        await end.WaitAsync(_stopSignal.Task).ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The address or path is taken.</exception>
    /// <exception cref="InvalidDataException">A file of the TLS settings cannot be used.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping is not null, this);
            _started = !_started
                ? true
                : throw new InvalidOperationException("the server was started already; make a new one to listen again");
            _host = Build();
            _server = _host.Services.GetRequiredService<IServer>();
        }

        var methods = new Dictionary<string, GrpcHandler>(StringComparer.Ordinal)
        {
            [GrpcDialect.ProcessStream] = ServeAsync,
            [GrpcDialect.ControlStream] = ControlStream.ServeAsync,
        };
        var limits = new GrpcServerOptions { Time = _options.Time };
        await _server.StartAsync(new GrpcApplication(methods, limits, _logger), cancellation).ConfigureAwait(false);
        Log.Listening(_logger, Address);
    }

    /// <summary>
    /// Takes no more streams, lets events in work finish within the time to drain, then closes everything. Every call waits for the end.
    /// </summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stopping ??= StopOnceAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private async Task StopOnceAsync()
    {
        _stopSignal.TrySetResult();
        if (_host is null)
        {
            return;
        }

        await Task.WhenAll(_connections.Keys.Select(static connection => connection.StopAsync())).ConfigureAwait(false);

        // What is open now are streams that came while the others drained, and clients that keep a connection without any.
        using var grace = new CancellationTokenSource(_options.Connection.CloseTimeout, _options.Time);
        await _server!.StopAsync(grace.Token).ConfigureAwait(false);
        await _host.DisposeAsync().ConfigureAwait(false);
        _workers.Dispose();
    }

    private WebApplication Build()
    {
        var tls = _options.Tls is { } files ? new ServerTls(files, _logger) : null;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(_loggers);
        builder.Services.Configure<SocketTransportOptions>(transport => transport.CreateBoundListenSocket = Bind);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            GrpcServerLimits.Apply(kestrel, StreamsPerConnection);
            kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindow;
            kestrel.Limits.Http2.InitialConnectionWindowSize = StreamsPerConnection * StreamWindow;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
            if (_options.EndPoint is IPEndPoint address)
            {
                kestrel.Listen(address, Configure);
            }
            else
            {
                kestrel.ListenUnixSocket(_options.EndPoint.ToString()!, Configure);
            }
        });
        return builder.Build();

        void Configure(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http2;
            tls?.ApplyTo(listen);
        }
    }

    private Socket Bind(EndPoint endPoint) => endPoint is UnixDomainSocketEndPoint
        ? AgentSocket.Bind(endPoint.ToString()!, _options.SocketMode)
        : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);

    private async Task ServeAsync(GrpcServerCall call)
    {
        if (_stopping is not null)
        {
            throw new GrpcException(GrpcStatusCode.Unavailable, "the agent is stopping");
        }

        if (_connections.Count >= _options.MaxConnections)
        {
            if (_throttle.MayLog("streams", out var leftOut))
            {
                Log.TooManyStreams(_logger, _options.MaxConnections, leftOut);
            }

            throw new GrpcException(GrpcStatusCode.ResourceExhausted, $"{_options.MaxConnections} streams are open, the limit");
        }

        // At once: the reference's proxy says nothing before it has seen headers (spec §7.2, rule 4).
        await call.StartAsync().ConfigureAwait(false);
        var id = Interlocked.Increment(ref _accepted).ToString(CultureInfo.InvariantCulture);
        var pipe = new CallPipe(call.Pipe);
        var connection = new AgentConnection(id, pipe, _handler, _options, _workers, _logger, _throttle);
        _connections[connection] = 0;
        try
        {
            await connection.RunAsync().ConfigureAwait(false);
            await connection.FinishAsync().ConfigureAwait(false);
        }
        finally
        {
            pipe.Close();
            _connections.TryRemove(connection, out _);
        }

        if (connection.End is not (FrameConnectionEnd.ClosedByPeer or FrameConnectionEnd.ClosedLocally))
        {
            call.Fail(
                connection.End == FrameConnectionEnd.FrameTooLong ? GrpcStatusCode.ResourceExhausted : GrpcStatusCode.InvalidArgument,
                connection.EndDetail ?? connection.End.ToString());
        }
    }
}
