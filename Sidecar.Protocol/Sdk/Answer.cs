namespace Sidecar.Protocol.Sdk;

/// <summary>Builds answers that read as what they mean: <c>Answer.Block(403).WithBody("no").WithRule("942100")</c>.</summary>
public static class Answer
{
    /// <summary>Let it pass.</summary>
    public static AgentResponse Allow => AgentResponse.Allow;

    /// <summary>Answer the client with this status instead.</summary>
    /// <param name="status">100–599.</param>
    public static AgentResponse Block(int status = 403)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 100);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        return new AgentResponse { Decision = new BlockDecision((ushort)status) };
    }

    /// <summary>Send the client elsewhere.</summary>
    /// <param name="url">The target.</param>
    /// <param name="status">301, 302, 303, 307 or 308.</param>
    public static AgentResponse Redirect(string url, int status = 302)
    {
        ArgumentException.ThrowIfNullOrEmpty(url);
        return status is 301 or 302 or 303 or 307 or 308
            ? new AgentResponse { Decision = new RedirectDecision(url, (ushort)status) }
            : throw new ArgumentOutOfRangeException(nameof(status), status, "a redirect's status is 301, 302, 303, 307 or 308");
    }

    /// <summary>Make the client prove something first.</summary>
    public static AgentResponse Challenge(string type, params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in parameters)
        {
            map[name] = value;
        }

        return new AgentResponse { Decision = new ChallengeDecision(type, map) };
    }

    /// <summary>The result of a guardrail inspection.</summary>
    public static AgentResponse Guardrail(GuardrailResponse result) => new() { Guardrail = result };

    /// <summary>What happens to a WebSocket frame.</summary>
    public static AgentResponse WebSocket(WebSocketDecision decision) => new() { WebSocketDecision = decision };

    extension(AgentResponse answer)
    {
        /// <summary>The body of a block.</summary>
        public AgentResponse WithBody(string body) => answer with { Decision = answer.Blocked() with { Body = body } };

        /// <summary>A header of a block's answer.</summary>
        public AgentResponse WithHeader(string name, string value)
        {
            var block = answer.Blocked();
            var headers = new Dictionary<string, string>(block.Headers ?? EmptyMap.OfStrings, StringComparer.OrdinalIgnoreCase)
            {
                [name] = value,
            };
            return answer with { Decision = block with { Headers = headers } };
        }

        /// <summary>Changes headers of the request before it reaches the upstream.</summary>
        public AgentResponse WithRequestHeaders(params ReadOnlySpan<HeaderOperation> operations) =>
            answer with { RequestHeaders = [.. answer.RequestHeaders, .. operations] };

        /// <summary>Changes headers of the response before it reaches the client.</summary>
        public AgentResponse WithResponseHeaders(params ReadOnlySpan<HeaderOperation> operations) =>
            answer with { ResponseHeaders = [.. answer.ResponseHeaders, .. operations] };

        /// <summary>Replaces the bytes of a piece of the request body; empty drops it.</summary>
        public AgentResponse WithRequestBody(ReadOnlyMemory<byte> data, uint chunkIndex) =>
            answer with { RequestBodyMutation = new BodyMutation(data, chunkIndex) };

        /// <summary>Replaces the bytes of a piece of the response body; empty drops it.</summary>
        public AgentResponse WithResponseBody(ReadOnlyMemory<byte> data, uint chunkIndex) =>
            answer with { ResponseBodyMutation = new BodyMutation(data, chunkIndex) };

        /// <summary>The decision counts only with more of the body.</summary>
        public AgentResponse NeedingMore() => answer with { NeedsMore = true };

        /// <summary>A rule that matched.</summary>
        public AgentResponse WithRule(string id) => answer with { Audit = answer.Audit with { RuleIds = [.. answer.Audit.RuleIds, id] } };

        /// <summary>A label for logs.</summary>
        public AgentResponse WithTag(string tag) => answer with { Audit = answer.Audit with { Tags = [.. answer.Audit.Tags, tag] } };

        /// <summary>A machine-readable reason.</summary>
        public AgentResponse WithReason(string code) =>
            answer with { Audit = answer.Audit with { ReasonCodes = [.. answer.Audit.ReasonCodes, code] } };

        /// <summary>How sure the agent is, 0 to 1.</summary>
        public AgentResponse WithConfidence(float confidence) => answer with { Audit = answer.Audit with { Confidence = confidence } };

        private BlockDecision Blocked() => answer.Decision as BlockDecision
            ?? throw new InvalidOperationException(
                $"only a block has a body and headers of its own; this answer is {answer.Decision.GetType().Name}");
    }
}
