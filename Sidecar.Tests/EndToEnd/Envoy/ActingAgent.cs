using System.Collections.Concurrent;
using System.Text;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>
/// An agent that does what the request's header <c>x-act</c> says, <c>PHASE ACTION [WORD]</c>, for example <c>request-body replace other</c>.
/// </summary>
internal static class ActingAgent
{
    /// <summary>One that has not started yet.</summary>
    public static LambdaAgent Create()
    {
        var acts = new ConcurrentDictionary<CorrelationId, string>();
        return new LambdaAgent("demo")
        {
            MaxBodySize = 64 * 1024 * 1024,
            Answers = (message, _) =>
            {
                if (message is RequestHeadersEvent request)
                {
                    acts[message.CorrelationId] = request.Headers.Get("x-act") ?? "";
                }

                var words = acts.GetValueOrDefault(message.CorrelationId, "").Split(' ');
                return new(words[0] == PhaseOf(message) ? Act(message, words[1], words.ElementAtOrDefault(2) ?? "") : AgentResponse.Allow);
            },
        };
    }

    private static string PhaseOf(AgentEvent message) => message switch
    {
        RequestHeadersEvent => "request-headers",
        RequestBodyChunkEvent => "request-body",
        ResponseHeadersEvent => "response-headers",
        ResponseBodyChunkEvent => "response-body",
        _ => "",
    };

    private static AgentResponse Act(AgentEvent message, string action, string word) => action switch
    {
        "block" => Answer.Block(418).WithBody("no"),
        "redirect" => Answer.Redirect("https://example.org/"),
        "challenge" => Answer.Challenge("Bearer"),
        "edit" when message is RequestHeadersEvent => Answer.Allow.WithRequestHeaders(Edits),
        "edit" => Answer.Allow.WithResponseHeaders(Edits),
        "replace" when message is RequestBodyChunkEvent => new AgentResponse { RequestBodyMutation = new BodyMutation(Encoding.ASCII.GetBytes(word)) },
        "replace" => new AgentResponse { ResponseBodyMutation = new BodyMutation(Encoding.ASCII.GetBytes(word)) },
        _ => throw new ArgumentException($"x-act says {action}, which is no action", nameof(action)),
    };

    private static HeaderOperation[] Edits => [HeaderOperation.Set("x-set", "1"), HeaderOperation.Add("x-added", "2"), HeaderOperation.Remove("x-gone")];
}
