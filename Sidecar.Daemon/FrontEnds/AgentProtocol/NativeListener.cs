using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.AgentProtocol;

/// <summary>A listener that speaks the agent protocol, built on the SDK's server.</summary>
internal sealed class NativeListener : IAsyncDisposable
{
    private readonly ExchangeDirectory<NativeExchange> _directory;
    private readonly NativeHandler _handler;
    private readonly AgentServer _server;

    public NativeListener(
        ListenerOptions options, Inspector inspector, Func<EndPoint, Socket> createListenSocket, string version, ILoggerFactory loggers,
        IExchangeRelay? relay = null)
    {
        _directory = new ExchangeDirectory<NativeExchange>(inspector);
        var logger = new BoundedLogger(loggers.CreateLogger<NativeListener>(), inspector.Time);
        _handler = new NativeHandler(options.Name, inspector, _directory, options.Budget, options.UnknownExchange, logger, relay);
        relay?.Serve(new NativeRelay(_directory, _handler.AnswerAsync));
        _server = new AgentServer(_handler, new AgentServerOptions
        {
            SocketPath = options.Path,
            MaxConnections = options.Connections,
            CreateListenSocket = createListenSocket,
            Capabilities = Capabilities(version),
            HandlerNeverBlocks = true,

            // Its handlers wait for agents; how many do is bounded where exchanges are admitted.
            Workers = AgentConnectionOptions.MostWorkers,
            Time = inspector.Time,
            DrainTimeout = inspector.Model.Configuration.DrainTimeout,
        }, loggers);
    }

    /// <summary>Starts to listen.</summary>
    public Task StartAsync(CancellationToken cancellation) => _server.StartAsync(cancellation);

    /// <summary>Another daemon has taken over.</summary>
    public void Supersede() => _handler.Supersede();

    /// <summary>
    /// Waits until no exchange is open, or until the token fires; new ones are not inspected meanwhile, unless another daemon has taken
    /// over.
    /// </summary>
    public Task DrainAsync(CancellationToken timeIsUp)
    {
        _handler.RefuseNew();
        return _directory.WhenEmptyAsync(timeIsUp);
    }

    /// <summary>Stops accepting, lets events in work finish, ends open exchanges.</summary>
    public async ValueTask DisposeAsync()
    {
        _handler.Stop();
        await _server.StopAsync().ConfigureAwait(false);
        _directory.Dispose();
    }

    private static AgentCapabilities Capabilities(string version) => new()
    {
        AgentId = "sidecar",
        Name = "Sidecar",
        Version = version,
        SupportedEvents = EventSet.All,
        Features = new AgentFeatures
        {
            StreamingBody = true,
            WebSocket = true,
            Guardrails = true,
            ConfigPush = false,
            ConcurrentRequests = 4096,
            Cancellation = true,
            HealthReporting = true,
        },
        Limits = new AgentLimits { MaxConcurrency = 4096 },
    };
}

/// <summary>
/// Tells once that a proxy sends a configuration which the daemon does not use: it comes on every connection and after each reconnect.
/// </summary>
internal sealed partial class UnusedConfiguration(string listener, ILogger logger)
{
    // As many names of its members as a line takes.
    private const int MaxNames = 8;

    private int _told;

    /// <summary>Takes note of one.</summary>
    public void Note(ConfigureEvent message, string proxy)
    {
        if (message.Config is { ValueKind: not JsonValueKind.Null } config && Interlocked.Exchange(ref _told, 1) == 0)
        {
            ConfigurationUnused(logger, listener, PeerText.Quote(proxy), MembersOf(config));
        }
    }

    [LoggerMessage(3400, LogLevel.Warning, "listener {Listener}: proxy {Proxy} sends the daemon a configuration ({Members}); it is "
        + "accepted and not used: what an agent behind the daemon needs belongs into the file of its config-file=; told once")]
    private static partial void ConfigurationUnused(ILogger logger, string listener, string proxy, string members);

    private static string MembersOf(JsonElement config)
    {
        if (config.ValueKind != JsonValueKind.Object)
        {
            return $"JSON {config.ValueKind}";
        }

        var names = config.EnumerateObject().Select(static member => PeerText.Quote(member.Name)).ToList();
        return names.Count == 0
            ? "no members"
            : string.Join(", ", names.Take(MaxNames)) + (names.Count > MaxNames ? $" and {names.Count - MaxNames} more" : "");
    }
}
