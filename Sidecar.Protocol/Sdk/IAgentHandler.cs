namespace Sidecar.Protocol.Sdk;

/// <summary>What an agent does with the events it is asked about: one method each, and every one allows unless it is overridden.</summary>
/// <remarks>
/// Events of different exchanges arrive concurrently, as many as there are <see cref="AgentConnectionOptions.Workers"/>, those of one
/// exchange one after the other, in order. An exception becomes a block (status 500, reason code <c>handler_error</c>), never an allow. The
/// token is cancelled when the proxy no longer wants the answer, when the connection ends and when the server stops; answering late does no
/// harm. An event that nobody wants any more before its turn has come does not reach the handler. Body bytes are valid until the method's
/// task has completed.
/// </remarks>
public interface IAgentHandler
{
    /// <summary>A request has arrived.</summary>
    ValueTask<AgentResponse> OnRequestHeadersAsync(
        RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(AgentResponse.Allow);

    /// <summary>A piece of the request body.</summary>
    ValueTask<AgentResponse> OnRequestBodyChunkAsync(
        RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(AgentResponse.Allow);

    /// <summary>The response's status and headers.</summary>
    ValueTask<AgentResponse> OnResponseHeadersAsync(
        ResponseHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(AgentResponse.Allow);

    /// <summary>A piece of the response body.</summary>
    ValueTask<AgentResponse> OnResponseBodyChunkAsync(
        ResponseBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(AgentResponse.Allow);

    /// <summary>The exchange is over: free what is kept for it.</summary>
    ValueTask<AgentResponse> OnRequestCompleteAsync(
        RequestCompleteEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(AgentResponse.Allow);

    /// <summary>A WebSocket frame; answer with <see cref="AgentResponse.WebSocketDecision"/>.</summary>
    ValueTask<AgentResponse> OnWebSocketFrameAsync(
        WebSocketFrameEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(AgentResponse.Allow);

    /// <summary>Text to inspect; answer with <see cref="AgentResponse.Guardrail"/>.</summary>
    ValueTask<AgentResponse> OnGuardrailInspectAsync(
        GuardrailInspectEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(Answer.Guardrail(GuardrailResponse.Clean));

    /// <summary>
    /// The proxy no longer wants the answers of an exchange, for the reason it gives; the tokens of its events are cancelled right after.
    /// </summary>
    /// <remarks>Called on the read loop: must not block. An exception is logged and changes nothing.</remarks>
    void OnCancel(CancelRequest request, AgentConnection connection)
    {
    }

    /// <summary>
    /// A connection has ended and none of its events is in work any more: whatever is kept for the proxy behind it will not be asked about
    /// on it again.
    /// </summary>
    /// <remarks>An exception is logged and changes nothing.</remarks>
    void OnDisconnected(AgentConnection connection)
    {
    }

    /// <summary>
    /// A configuration: allow accepts it, block refuses it. The same one may come again, on every connection and after each reconnect.
    /// </summary>
    /// <remarks>Over gRPC a refusal ends the stream, because the wire has no other word for it that every proxy hears.</remarks>
    ValueTask<AgentResponse> OnConfigureAsync(
        ConfigureEvent message, AgentConnection connection, CancellationToken cancellation) =>
        new(AgentResponse.Allow);
}
