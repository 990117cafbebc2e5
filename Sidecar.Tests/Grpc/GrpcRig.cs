using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Grpc;

/// <summary>
/// Our gRPC server, and on a Unix socket of it our client for questions and one that is not ours for streams; a test gives the handler. The messages are
/// <see cref="HttpBody"/>.
/// </summary>
internal sealed class GrpcRig : IAsyncDisposable
{
    public const string Method = "/test.Service/Method";

    /// <summary>A generous limit for what should come at once.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly KestrelServer _server;

    private GrpcRig(Func<GrpcChannelOptions, GrpcChannelOptions>? client)
    {
        SocketPath = _directory.Socket("grpc");
        var options = new KestrelServerOptions();
        GrpcServerLimits.Apply(options);
        options.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2);
        options.ListenUnixSocket(SocketPath, static listen => listen.Protocols = HttpProtocols.Http2);
        _server = new KestrelServer(
            Options.Create(options),
            new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance);
        ChannelOptions = (client ?? (static o => o))(new GrpcChannelOptions { EndPoint = new UnixDomainSocketEndPoint(SocketPath), ConnectTimeout = Limit });
        Channel = new GrpcChannel(ChannelOptions);
        Streams = new ForeignChannel(ChannelOptions.EndPoint);
    }

    public string SocketPath { get; }

    /// <summary>Where it listens besides, on loopback.</summary>
    public int Port => _server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
        .Select(static address => new Uri(address)).Single(static address => address.Port > 0 && address.Host == "127.0.0.1").Port;

    public GrpcChannelOptions ChannelOptions { get; }

    /// <summary>Our client's connection.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>The other client's connection.</summary>
    public ForeignChannel Streams { get; }

    /// <summary>What the server logs.</summary>
    public FakeLogger Log { get; } = new();

    /// <summary>One method, at <see cref="Method"/> unless told.</summary>
    public static async Task<GrpcRig> StartAsync(
        GrpcHandler handler, GrpcServerOptions? server = null, Func<GrpcChannelOptions, GrpcChannelOptions>? client = null, string method = Method)
    {
        var rig = new GrpcRig(client);
        var methods = new Dictionary<string, GrpcHandler> { [method] = handler };
        await rig._server.StartAsync(new GrpcApplication(methods, server ?? new GrpcServerOptions(), rig.Log), CancellationToken.None);
        return rig;
    }

    /// <summary>A server that answers requests in a way that gRPC does not know.</summary>
    public static async Task<GrpcRig> StartRawAsync(Func<IFeatureCollection, Task> answer)
    {
        var rig = new GrpcRig(null);
        await rig._server.StartAsync(new RawApplication(answer), CancellationToken.None);
        return rig;
    }

    /// <summary>A token for what should come at once.</summary>
    public static CancellationToken Soon() => new CancellationTokenSource(Limit, TimeProvider.System).Token;

    public static HttpBody Body(string text, bool last = false) => new() { Body = ByteString.CopyFromUtf8(text), EndOfStream = last };

    public static string? Text(HttpBody? body) => body?.Body.ToStringUtf8();

    public ForeignCall<HttpBody> Start(params (string Name, string Value)[] metadata) => Streams.Start(Method, HttpBody.Parser, metadata);

    public async Task<GrpcReply<HttpBody>> AskAsync(HttpBody request, string path = Method) =>
        await Channel.AskAsync(path, request, HttpBody.Parser, Limit, CancellationToken.None);

    /// <summary>Cuts off whoever is connected.</summary>
    public Task StopServerAsync() => _server.StopAsync(new CancellationToken(canceled: true));

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        Streams.Dispose();
        await StopServerAsync();
        _server.Dispose();
        _directory.Dispose();
    }

    private sealed class RawApplication(Func<IFeatureCollection, Task> answer) : IHttpApplication<IFeatureCollection>
    {
        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
        }

        public Task ProcessRequestAsync(IFeatureCollection context) => answer(context);
    }
}
