using System.Collections.Concurrent;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Sdk;

/// <summary>A handler whose every method runs one script and notes which method was called for which event.</summary>
internal sealed class ScriptedHandler(Func<AgentEvent, CancellationToken, ValueTask<AgentResponse>>? script = null) : IAgentHandler
{
    public ConcurrentQueue<(string Method, AgentEvent Event)> Calls { get; } = new();

    public AgentConnection? Connection { get; private set; }

    public ValueTask<AgentResponse> OnRequestHeadersAsync(RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnRequestHeadersAsync), message, connection, cancellation);

    public ValueTask<AgentResponse> OnRequestBodyChunkAsync(RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnRequestBodyChunkAsync), message, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseHeadersAsync(ResponseHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnResponseHeadersAsync), message, connection, cancellation);

    public ValueTask<AgentResponse> OnResponseBodyChunkAsync(ResponseBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnResponseBodyChunkAsync), message, connection, cancellation);

    public ValueTask<AgentResponse> OnRequestCompleteAsync(RequestCompleteEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnRequestCompleteAsync), message, connection, cancellation);

    public ValueTask<AgentResponse> OnWebSocketFrameAsync(WebSocketFrameEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnWebSocketFrameAsync), message, connection, cancellation);

    public ValueTask<AgentResponse> OnGuardrailInspectAsync(GuardrailInspectEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnGuardrailInspectAsync), message, connection, cancellation);

    public ValueTask<AgentResponse> OnConfigureAsync(ConfigureEvent message, AgentConnection connection, CancellationToken cancellation) =>
        Run(nameof(OnConfigureAsync), message, connection, cancellation);

    private ValueTask<AgentResponse> Run(string method, AgentEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        Connection = connection;
        Calls.Enqueue((method, message));
        return script is null ? new ValueTask<AgentResponse>(AgentResponse.Allow) : script(message, cancellation);
    }
}
