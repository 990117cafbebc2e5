using System.Text;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Daemon.BundledAgents.Demo;

/// <summary>An agent for trying things out: looks for texts in paths, headers and bodies, marks what passes, can be slow.</summary>
internal sealed class DemoAgent : IAgentHandler
{
    // As many as anybody sends who tries something with it.
    private const int Concurrency = 4096;

    // It keeps nothing of a body but the end of its last piece, so any size will do; the protocol's default would be 10 MiB.
    private const ulong LargestBody = 1UL << 40;

    private readonly DemoRules _rules;
    private readonly TimeProvider _time;
    private readonly AgentResponse _pass;
    private readonly BodyScanner _bodies;

    public DemoAgent(DemoRules rules, TimeProvider time)
    {
        _rules = rules;
        _time = time;
        _pass = PassOf(rules);
        _bodies = new BodyScanner(rules.BlockBodies);
    }

    /// <summary>How many events it works on at once: one that only waits before it answers waits for all of them together.</summary>
    public static int WorkersOf(DemoRules rules) => rules.Delay > TimeSpan.Zero ? Concurrency : Environment.ProcessorCount;

    /// <summary>How the demo agent presents itself.</summary>
    public static AgentServerOptions Options(string id, string path, string version) => new()
    {
        SocketPath = path,
        Capabilities = new AgentCapabilities
        {
            AgentId = id,
            Name = "Sidecar demo agent",
            Version = version,
            SupportedEvents = EventSet.All,
            Features = new AgentFeatures
            {
                StreamingBody = true,
                WebSocket = true,
                Guardrails = true,
                ConfigPush = true,
                ConcurrentRequests = Concurrency,
                HealthReporting = true,
            },
            Limits = new AgentLimits { MaxConcurrency = Concurrency, MaxBodySize = LargestBody },
        },
    };

    public ValueTask<AgentResponse> OnRequestHeadersAsync(RequestHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        AnswerAsync(Decide(message), cancellation);

    public ValueTask<AgentResponse> OnRequestBodyChunkAsync(RequestBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        AnswerAsync(DecideBody(message), cancellation);

    public ValueTask<AgentResponse> OnResponseHeadersAsync(ResponseHeadersEvent message, AgentConnection connection, CancellationToken cancellation) =>
        AnswerAsync(AgentResponse.Allow, cancellation);

    public ValueTask<AgentResponse> OnResponseBodyChunkAsync(ResponseBodyChunkEvent message, AgentConnection connection, CancellationToken cancellation) =>
        AnswerAsync(DecideBody(message), cancellation);

    public ValueTask<AgentResponse> OnRequestCompleteAsync(RequestCompleteEvent message, AgentConnection connection, CancellationToken cancellation)
    {
        _bodies.Forget(message.CorrelationId);
        return new(AgentResponse.Allow);
    }

    public ValueTask<AgentResponse> OnWebSocketFrameAsync(WebSocketFrameEvent message, AgentConnection connection, CancellationToken cancellation) =>
        AnswerAsync(Find(Encoding.UTF8.GetString(message.Data.Span), _rules.BlockBodies) is { } found
            ? Answer.WebSocket(WebSocketDecision.Close(1008, "policy")).WithRule($"body:{found}")
            : AgentResponse.Allow, cancellation);

    public ValueTask<AgentResponse> OnGuardrailInspectAsync(GuardrailInspectEvent message, AgentConnection connection, CancellationToken cancellation) =>
        AnswerAsync(Answer.Guardrail(Find(message.Content, _rules.BlockBodies) is { } found
            ? new GuardrailResponse { Detected = true, Confidence = 1, Detections = [new GuardrailDetection { Category = "pattern", Description = found }] }
            : GuardrailResponse.Clean), cancellation);

    private static AgentResponse PassOf(DemoRules rules) => rules.SetHeaders.Count + rules.RemoveHeaders.Count + rules.ResponseHeaders.Count == 0
        ? AgentResponse.Allow
        : AgentResponse.Allow
            .WithRequestHeaders([
                .. rules.SetHeaders.Select(static header => HeaderOperation.Set(header.Name, header.Value)),
                .. rules.RemoveHeaders.Select(HeaderOperation.Remove)])
            .WithResponseHeaders([.. rules.ResponseHeaders.Select(static header => HeaderOperation.Set(header.Name, header.Value))]);

    private AgentResponse Decide(RequestHeadersEvent message)
    {
        foreach (var (text, status) in _rules.BlockPaths)
        {
            if (message.Uri.Contains(text, StringComparison.OrdinalIgnoreCase))
            {
                return Block($"path:{text}", status);
            }
        }

        foreach (var (name, text) in _rules.BlockHeaders)
        {
            if (message.Headers.GetAll(name).Any(value => value.Contains(text, StringComparison.OrdinalIgnoreCase)))
            {
                return Block($"header:{name}", _rules.BlockStatus);
            }
        }

        foreach (var (text, url) in _rules.Redirects)
        {
            if (message.Uri.Contains(text, StringComparison.OrdinalIgnoreCase))
            {
                return Answer.Redirect(url).WithRule($"redirect:{text}");
            }
        }

        return Find(message.Uri, _rules.ChallengePaths) is { } challenge
            ? Answer.Challenge("basic", ("realm", "sidecar demo")).WithRule($"challenge:{challenge}")
            : _pass;
    }

    private AgentResponse DecideBody(BodyChunkEvent message) =>
        _bodies.Find(message) is { } found ? Block($"body:{found}", _rules.BlockStatus) : AgentResponse.Allow;

    private AgentResponse Block(string rule, int status)
    {
        var answer = Answer.Block(status).WithHeader("X-Blocked-By", "sidecar demo").WithRule(rule);
        return _rules.BlockPage is null ? answer : answer.WithBody(_rules.BlockPage);
    }

    private static string? Find(string text, IReadOnlyList<string> patterns)
    {
        foreach (var pattern in patterns)
        {
            if (text.Contains(pattern, StringComparison.OrdinalIgnoreCase))
            {
                return pattern;
            }
        }

        return null;
    }

    private ValueTask<AgentResponse> AnswerAsync(AgentResponse answer, CancellationToken cancellation)
    {
        return _rules.Delay == TimeSpan.Zero ? new(answer) : LaterAsync();

        async ValueTask<AgentResponse> LaterAsync()
        {
            await Task.Delay(_rules.Delay, _time, cancellation).ConfigureAwait(false);
            return answer;
        }
    }
}
