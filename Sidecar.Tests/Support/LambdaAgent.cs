using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Support;

/// <summary>An agent played by the SDK's server whose answers are one function, with the policy the daemon has for it.</summary>
internal sealed class LambdaAgent(string id) : IAgentHandler, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<AgentEvent> _seen = [];
    private readonly List<(CorrelationId Exchange, string Connection)> _on = [];
    private readonly List<(CancelRequest Request, string Connection)> _cancels = [];
    private AgentServer? _server;

    /// <summary>Its id.</summary>
    public string Id => id;

    /// <summary>Answers every event; allows unless it is set.</summary>
    public Func<AgentEvent, CancellationToken, ValueTask<AgentResponse>> Answers { get; set; } = static (_, _) => new(AgentResponse.Allow);

    /// <summary>What it says that it wants.</summary>
    public EventSet Supports { get; init; } = EventSet.All;

    /// <summary>How many calls it says that it takes.</summary>
    public uint MaxConcurrency { get; init; } = 100;

    /// <summary>Largest body it says that it takes.</summary>
    public ulong MaxBodySize { get; init; } = 10 * 1024 * 1024;

    /// <summary>Whether it is there at all.</summary>
    public bool IsAbsent { get; init; }

    /// <summary>How it takes part. The time is far above what an answer takes on a busy machine.</summary>
    public AgentPolicy Policy { get; init; } = PolicyOf(FailureMode.Closed);

    /// <summary>What it was asked, body bytes copied.</summary>
    public IReadOnlyList<AgentEvent> Seen
    {
        get
        {
            lock (_lock)
            {
                return [.. _seen];
            }
        }
    }

    /// <summary>The cancels it got, each with the connection it came on.</summary>
    public IReadOnlyList<(CancelRequest Request, string Connection)> Cancels
    {
        get
        {
            lock (_lock)
            {
                return [.. _cancels];
            }
        }
    }

    /// <summary>The connections on which events of an exchange came.</summary>
    public IReadOnlyList<string> ConnectionsOf(CorrelationId exchange)
    {
        lock (_lock)
        {
            return [.. _on.Where(one => one.Exchange == exchange).Select(static one => one.Connection).Distinct(StringComparer.Ordinal)];
        }
    }

    /// <summary>An agent that gives one answer to everything.</summary>
    public static LambdaAgent That(string id, AgentResponse answer) => new(id) { Answers = (_, _) => new(answer) };

    /// <summary>An agent with this failure mode whose calls may take as long as given; it is shown bodies piece by piece.</summary>
    public static AgentPolicy PolicyOf(FailureMode mode, TimeSpan? timeout = null) => new()
    {
        OnFailure = mode,
        RequestBody = new BodyPolicy { Mode = BodyMode.Stream, MaxBytes = long.MaxValue },
        ResponseBody = new BodyPolicy { Mode = BodyMode.Stream, MaxBytes = long.MaxValue },
        HeaderTimeout = timeout ?? TimeSpan.FromMinutes(1),
        BodyTimeout = timeout ?? TimeSpan.FromMinutes(1),
    };

    /// <summary>Waits until it has been asked this many events.</summary>
    public Task SeenAsync(int count) => Eventually.TrueAsync(() => Seen.Count >= count, TimeSpan.FromSeconds(30), $"event {count} at agent {id}");

    /// <summary>Starts to listen.</summary>
    public Task StartAsync(string path)
    {
        _server = new AgentServer(this, new AgentServerOptions
        {
            SocketPath = path,
            HandshakeTimeout = TimeSpan.FromSeconds(60),
            DrainTimeout = TimeSpan.FromMilliseconds(10),
            Workers = AgentConnectionOptions.MostWorkers,
            Capabilities = new AgentCapabilities
            {
                AgentId = id,
                Name = id,
                SupportedEvents = Supports,
                Limits = new AgentLimits { MaxConcurrency = MaxConcurrency, MaxBodySize = MaxBodySize },
                Features = new AgentFeatures { ConcurrentRequests = MaxConcurrency },
            },
        });
        return _server.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    public ValueTask<AgentResponse> OnRequestHeadersAsync(RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Take(message, connection, cancellation);

    public ValueTask<AgentResponse> OnRequestBodyChunkAsync(RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Take(message with { Data = message.Data.ToArray() }, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseHeadersAsync(ResponseHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Take(message, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseBodyChunkAsync(ResponseBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Take(message with { Data = message.Data.ToArray() }, connection, cancellation);

    public ValueTask<AgentResponse> OnRequestCompleteAsync(RequestCompleteEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Take(message, connection, cancellation);

    public ValueTask<AgentResponse> OnWebSocketFrameAsync(WebSocketFrameEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Take(message with { Data = message.Data.ToArray() }, connection, cancellation);

    public ValueTask<AgentResponse> OnGuardrailInspectAsync(GuardrailInspectEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Take(message, connection, cancellation);

    public ValueTask<AgentResponse> OnConfigureAsync(ConfigureEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Answers(message, cancellation);

    public void OnCancel(CancelRequest request, AgentConnection connection)
    {
        lock (_lock)
        {
            _cancels.Add((request, connection.Id));
        }
    }

    private ValueTask<AgentResponse> Take(AgentEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        lock (_lock)
        {
            _on.Add((message.CorrelationId, connection.Id));
            _seen.Add(message);
        }

        return Answers(message, cancellation);
    }
}
