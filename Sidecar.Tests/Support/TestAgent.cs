using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Agents;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>An agent of a <see cref="TestDaemon"/>: how it answers request headers and how it takes part.</summary>
/// <param name="id">Its id.</param>
/// <param name="answer">What it says; null allows.</param>
internal sealed class TestAgent(string id, Func<RequestHeadersEvent, CancellationToken, ValueTask<AgentResponse>>? answer = null) : IAgentHandler
{
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

    /// <summary>How it presents itself.</summary>
    public AgentCapabilities Capabilities => new()
    {
        AgentId = id,
        Name = id,
        Version = "1",
        SupportedEvents = Policy.Events,
        Features = new AgentFeatures { Cancellation = true },
    };

    /// <inheritdoc/>
    public ValueTask<AgentResponse> OnRequestHeadersAsync(RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        Last = message;
        Interlocked.Increment(ref _asked);
        return answer is null ? new(AgentResponse.Allow) : answer(message, cancellation);
    }
}
