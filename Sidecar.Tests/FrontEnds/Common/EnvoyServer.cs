using System.Net.Sockets;
using Google.Protobuf;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>An envoy listener on a Unix socket over real inspection and agents, and a channel to it.</summary>
internal sealed class EnvoyServer : IAsyncDisposable
{
    public const string Process = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
    public const string Check = "/envoy.service.auth.v3.Authorization/Check";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly TempDirectory _directory = new();
    private readonly KestrelListener _listener;
    private readonly ForeignChannel _streams;

    private EnvoyServer(InspectionHarness harness)
    {
        Harness = harness;
        Path = _directory.Socket("envoy");
        _listener = new KestrelListener(
            new KestrelListenerOptions
            {
                EndPoint = new UnixDomainSocketEndPoint(Path),
                Protocols = HttpProtocols.Http2,
                Limits = static server => GrpcServerLimits.Apply(server),
            },
            harness.Logs);
        Channel = new GrpcChannel(new GrpcChannelOptions
        {
            EndPoint = new UnixDomainSocketEndPoint(Path),
            MaxSendLength = int.MaxValue,
            MaxReceiveLength = int.MaxValue,
            ConnectTimeout = Limit,
        });
        _streams = NewChannel();
    }

    public InspectionHarness Harness { get; }

    public string Path { get; }

    public GrpcChannel Channel { get; }

    public IReadOnlyList<string> Missing { get; set; } = [];

    public static Task<EnvoyServer> StartAsync(params LambdaAgent[] agents) => StartAsync(new EnvoyOptions(), new HarnessOptions(), agents);

    public static Task<EnvoyServer> StartAsync(EnvoyOptions options, HarnessOptions harness, params LambdaAgent[] agents) =>
        StartAsync(options, harness, null, agents);

    public static async Task<EnvoyServer> StartAsync(EnvoyOptions options, HarnessOptions harness, ByteBudget? messageMemory, params LambdaAgent[] agents)
    {
        var server = new EnvoyServer(await InspectionHarness.StartAsync(harness, agents));
        var listener = new ListenerOptions { Kind = ListenerKind.Envoy, Path = server.Path, Budget = harness.Budget, Envoy = options };
        var application = HttpListeners.EnvoyServices(
            listener, server.Harness.Inspector, () => server.Missing, static () => false, server.Harness.Logs, messageMemory);
        await server._listener.StartAsync(application, CancellationToken.None);
        return server;
    }

    public ForeignChannel NewChannel() => new(new UnixDomainSocketEndPoint(Path));

    /// <summary>A stream.</summary>
    public ForeignCall<ProcessingResponse> Open(ForeignChannel? channel = null) => (channel ?? _streams).Start(Process, ProcessingResponse.Parser);

    public async Task<GrpcReply<CheckResponse>> AskAsync(CheckRequest question, TimeSpan? timeout = null) =>
        await Channel.AskAsync(Check, question, CheckResponse.Parser, timeout ?? Limit, CancellationToken.None);

    /// <summary>Asks and expects an answer.</summary>
    public async Task<CheckResponse> CheckAsync(CheckRequest question) =>
        await AskAsync(question) is { Message: { } answer } ? answer : throw new InvalidOperationException("no answer");

    /// <summary>How the only exchange ended: state|cause.</summary>
    public async Task<string> AccountAsync()
    {
        var line = (await Harness.EndedAsync()).Single();
        return line[(line.IndexOf('|', line.IndexOf('|', StringComparison.Ordinal) + 1) + 1)..line.LastIndexOf('=')];
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        _streams.Dispose();
        await _listener.DisposeAsync();
        await Harness.DisposeAsync();
        _directory.Dispose();
    }
}

/// <summary>Short ways to talk on a stream.</summary>
internal static class EnvoyCalls
{
    /// <summary>Sends a message and reads the next answer; null when the stream ended instead.</summary>
    public static async Task<ProcessingResponse?> AskAsync(this ForeignCall<ProcessingResponse> call, IMessage message)
    {
        await call.WriteAsync(message, CancellationToken.None);
        return await call.ReadAsync(CancellationToken.None);
    }

    /// <summary>Half-closes and returns the status, expecting no further answer.</summary>
    public static async Task<string> CloseAsync(this ForeignCall<ProcessingResponse> call)
    {
        await call.CompleteAsync();
        return await call.ReadAsync(CancellationToken.None) is { } extra ? $"an answer too many: {extra}" : $"{call.Status!.Value.Code}";
    }
}
