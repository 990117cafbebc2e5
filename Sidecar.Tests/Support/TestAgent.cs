using System.Collections.Concurrent;
using System.Text;
using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Support;

/// <summary>An agent of a <see cref="TestDaemon"/>: how it answers request headers and how it takes part.</summary>
/// <param name="id">Its id.</param>
/// <param name="answer">What it says; null allows.</param>
internal sealed class TestAgent(string id, Func<RequestHeadersEvent, CancellationToken, ValueTask<AgentResponse>>? answer = null) : IAgentHandler
{
    private readonly ConcurrentDictionary<CorrelationId, string> _pieces = new();
    private int _asked;

    /// <summary>An agent that always says the same.</summary>
    public TestAgent(string id, AgentResponse answer)
        : this(id, (_, _) => new(answer))
    {
    }

    /// <summary>Its id.</summary>
    public string Id => id;

    /// <summary>Whether it listens; one that does not is configured and absent.</summary>
    public bool IsUp { get; init; } = true;

    /// <summary>How it takes part. Timeouts are generous, for a busy machine.</summary>
    public AgentPolicy Policy { get; init; } = new()
    {
        Events = EventSet.RequestHeaders,
        HeaderTimeout = TimeSpan.FromSeconds(30),
        BodyTimeout = TimeSpan.FromSeconds(30),
    };

    /// <summary>The last request headers it was asked about.</summary>
    public RequestHeadersEvent? Last { get; private set; }

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>The bodies that it was shown to their ends, a char for each byte.</summary>
    public ConcurrentQueue<string> Bodies { get; } = new();

    /// <summary>What it says of a body's last piece; null allows.</summary>
    public AgentResponse? OfBody { get; init; }

    /// <summary>How it presents itself.</summary>
    public AgentCapabilities Capabilities => new()
    {
        AgentId = id,
        Name = id,
        Version = "1",
        SupportedEvents = Policy.Events ?? EventSet.All,
        Features = new AgentFeatures { Cancellation = true },
    };

    /// <inheritdoc/>
    public ValueTask<AgentResponse> OnRequestBodyChunkAsync(RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        var body = _pieces.AddOrUpdate(
            message.CorrelationId, static (_, piece) => piece, static (_, before, piece) => before + piece, Encoding.Latin1.GetString(message.Data.Span));
        if (message.IsLast)
        {
            Bodies.Enqueue(body);
        }

        return new(message.IsLast ? OfBody ?? AgentResponse.Allow : AgentResponse.Allow);
    }

    /// <inheritdoc/>
    public ValueTask<AgentResponse> OnRequestHeadersAsync(RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        Last = message;
        Interlocked.Increment(ref _asked);
        return answer is null ? new(AgentResponse.Allow) : answer(message, cancellation);
    }
}
