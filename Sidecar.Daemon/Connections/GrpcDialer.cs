using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Client;

namespace Sidecar.Daemon.Connections;

/// <summary>
/// Opens streams to a gRPC agent (spec §7), each on an HTTP/2 connection of its own. A name is resolved at every dial and its addresses
/// share the connections.
/// </summary>
/// <param name="endpoint">One of those where gRPC is spoken; it has been checked.</param>
/// <param name="settings">What must be known of the agent.</param>
/// <param name="tls">For <c>https</c>; null for the system's issuers and no certificate of ours.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
/// <param name="resolve">The addresses of a name; null asks the system.</param>
internal sealed class GrpcDialer(
    AgentEndpoint endpoint, ConnectionSettings settings, TlsOptions? tls, TimeProvider time, ILogger logger,
    Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null) : IAgentDialer
{
    // A peer whose machine is gone closes nothing. Agents answer our own pings more often than this, so these come only to those that hang.
    private static readonly TimeSpan KeepAliveDelay = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromSeconds(10);

    private static long _lastId;

    private readonly AddressSpread _spread = new(time);
    private readonly TlsOptions? _tls = endpoint is AgentEndpoint.Grpc { IsEncrypted: true } ? tls ?? new TlsOptions() : null;
    private readonly Uri? _url = (endpoint as AgentEndpoint.Grpc)?.Url;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? Dns.GetHostAddressesAsync;

    public string Endpoint => endpoint.ToString();

    public IAgentDialer ForTrialOf(ConfigurationValue configuration) =>
        new GrpcDialer(
            endpoint, settings with { Configured = new(configuration.Value), Reports = null }, _tls, time, logger, _resolve);

    public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        using var limit = new CancellationTokenSource(settings.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        var problem = "it has no address";
        Exception? last = null;
        try
        {
            foreach (var address in _spread.Order(await ResolveAsync(both.Token)))
            {
                try
                {
                    return await DialAsync(address, sink, started, both.Token);
                }
                catch (Exception e) when (!both.IsCancellationRequested)
                {
                    // The next address may be better.
                    (problem, last) = (_url is null || address.ToString() == _url.Authority ? e.Message : $"{e.Message} ({address})", e);
                }
            }
        }
        catch (Exception e)
        {
            cancellation.ThrowIfCancellationRequested();
            (problem, last) = (limit.IsCancellationRequested ? $"it did not answer within {settings.ConnectTimeout}" : e.Message, e);
        }

        throw new AgentUnreachableException($"agent {settings.AgentId} cannot be reached at {Endpoint}: {problem}", last!);
    }

    private async Task<IReadOnlyCollection<EndPoint>> ResolveAsync(CancellationToken cancellation)
    {
        if (endpoint.SocketPath is { } path)
        {
            return [new UnixDomainSocketEndPoint(path)];
        }

        try
        {
            var addresses = await _resolve(_url!.DnsSafeHost, cancellation);
            return [.. addresses.Select(address => new IPEndPoint(address, _url.Port))];
        }
        catch (SocketException e)
        {
            throw new IOException($"the name {_url!.DnsSafeHost} has no address: {e.Message}", e);
        }
    }

    private async Task<IAgentConnection> DialAsync(EndPoint address, IConnectionSink sink, long started, CancellationToken cancellation)
    {
        _spread.Enter(address);
        FramedAgentConnection? connection = null;
        GrpcChannel? channel = null;
        TlsAttempt? tls = null;
        try
        {
            tls = _tls is null ? null : new TlsAttempt(_tls, _url!.DnsSafeHost);
            channel = new GrpcChannel(new GrpcChannelOptions
            {
                EndPoint = address,
                Authority = _url?.Authority ?? "localhost",
                ConnectTimeout = settings.ConnectTimeout,
                KeepAlivePingDelay = KeepAliveDelay,
                KeepAlivePingTimeout = KeepAliveTimeout,
                Tls = tls?.Settings,
                Time = time,
            });
            connection = Connect(await channel.OpenAsync(GrpcDialect.ProcessStream, cancellation), channel, sink);
            await connection.OpenAsync(settings.ConnectTimeout - time.GetElapsedTime(started), cancellation);
            await ConfigurationPush.SendAsync(connection, settings, time, cancellation);
        }
        catch (Exception e)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            channel?.Dispose();
            if (cancellation.IsCancellationRequested)
            {
                _spread.Leave(address);
                throw;
            }

            _spread.Missed(address);
            throw new IOException(tls?.Problem ?? Reason(e), e);
        }

        _ = connection.Ended.ContinueWith(
            _ => _spread.Leave(address), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return connection;
    }

    private FramedAgentConnection Connect(GrpcStreamCall call, GrpcChannel channel, IConnectionSink sink) => new(
        $"{settings.AgentId}-grpc-{Interlocked.Increment(ref _lastId)}",
        new CallPipe(call),
        settings,
        sink,
        time,
        logger,
        async () =>
        {
            await call.DisposeAsync();
            channel.Dispose();
        },
        GrpcDialect.Instance,
        call.DescribeEnd);

    private static string Reason(Exception e) => e is GrpcException { Status.Message: { Length: > 0 } message } ? message : e.Message;
}
