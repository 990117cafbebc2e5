using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using static Sidecar.Tests.Contract.ContractCases;

namespace Sidecar.Tests.Contract;

/// <summary>Agents that refuse, also with details that cannot be applied (rule 19), and whose word counts (rule 2).</summary>
internal static class RefusalCases
{
    private const string Inspected = "inspected|none";
    private const string Html = "cache-control=no-store; content-type=text/html; charset=utf-8";

    private static readonly AgentResponse Challenging = Answer.Challenge("Bearer", ("realm", "shop"));
    private static readonly AgentResponse Redirecting = Answer.Redirect("https://login.example/?a=b", 307);

    private static readonly Effect Challenged = new(
        $"401 {Html}; www-authenticate=Bearer realm=\"shop\" | {Page("401 Unauthorized")}", Effect.Nothing, Inspected);

    private static readonly Effect Redirected = new(
        $"307 {Html}; location=https://login.example/?a=b | {Page("307 Temporary Redirect")}", Effect.Nothing, Inspected);

    private static readonly Effect Forbidden = new(Plain("403 Forbidden"), Effect.Nothing, Inspected);

    public static IEnumerable<ContractCase> All =>
    [
        Says(
            "block with status, body and headers",
            Answer.Block(418).WithBody("short").WithHeader("X-Why", "waf").WithHeader("Set-Cookie", "a=1"),
            new("418 cache-control=no-store; content-type=text/plain; charset=utf-8; set-cookie=a=1; x-why=waf | short", Effect.Nothing, Inspected)),
        Says(
            "block with a page and its type",
            Answer.Block(429).WithBody("{\"a\":\"\u00e9\"}").WithHeader("Content-Type", "application/json").WithHeader("Retry-After", "60"),
            new("429 cache-control=no-store; content-type=application/json; retry-after=60 | {\"a\":\"\u00e9\"}", Effect.Nothing, Inspected)),
        Says("block without details", Answer.Block(), Forbidden),
        Says("block that changes headers", Answer.Block().WithRequestHeaders(HeaderOperation.Set("x-user", "alice")), Forbidden),
        Says(
            "block with a status of the server's",
            Answer.Block(500),
            new(Plain("500 Internal Server Error"), Effect.Nothing, Inspected),
            new Deviation(["envoy-http"], FailureCases.TakenForAFailure, Forbidden)),
        Says(
            "block with a status of success",
            Answer.Block(200).WithBody("<p>no</p>"),
            new($"200 {Html} | <p>no</p>", Effect.Nothing, Inspected),
            new Deviation(
                ["caddy", "traefik", "envoy-http"], "the proxy takes it for an allow", new($"403 {Html} | <p>no</p>", Effect.Nothing, Inspected))),
        Says("redirect", Redirecting, Redirected),
        Says("challenge", Challenging, Challenged),
        Says(
            "challenge with a page",
            Answer.Challenge("captcha", ("site", "k"), ("body", "<p>human?</p>"), ("status", "429")),
            new($"429 {Html} | <p>human?</p>", Effect.Nothing, Inspected)),
        Says(
            "block with a status and a header that cannot be sent",
            new AgentResponse { Decision = new BlockDecision(700) { Headers = Headers(("Content-Length", "2"), ("X-Why", "waf")) } },
            new($"403 {Html}; x-why=waf | {Page("403 Forbidden")}", Effect.Nothing, Inspected)),
        Says("redirect to what is no address", new AgentResponse { Decision = new RedirectDecision("javascript:alert(1)", 302) }, Forbidden),
        Says(
            "challenge with a parameter that cannot be sent",
            Answer.Challenge("Bearer", ("realm", "a\r\nb")),
            new($"401 {Html}; www-authenticate=Bearer | {Page("401 Unauthorized")}", Effect.Nothing, Inspected)),
        Two("challenge, then block", Challenging, Answer.Block(), Forbidden),
        Two("redirect, then challenge", Redirecting, Challenging, Challenged),
        Two("challenge, then redirect", Challenging, Redirecting, Challenged),
        Two("allow, then redirect", Answer.Allow.WithRequestHeaders(HeaderOperation.Set("x-user", "alice")), Redirecting, Redirected),
        new(
            "redirect, then an agent that fails closed",
            [new Part { Says = Redirecting }, new Part { Trouble = Trouble.Error }],
            Redirected with { Ledger = "refused|agent-error" }),
        new(
            "allow, then an agent that fails closed",
            [new Part(), new Part { Trouble = Trouble.Error }],
            FailureCases.Closed("agent-error")) { Deviations = FailureCases.ClosedElsewhere("agent-error") },
        new(
            "block, beside an agent that fails open",
            [new Part { Says = Answer.Block() }, new Part { Trouble = Trouble.Absent, FailureMode = FailureMode.Open }],
            Forbidden with { Ledger = "bypassed|agent-absent" }),
    ];

    private static ContractCase Two(string name, AgentResponse first, AgentResponse second, Effect effect) =>
        new(name, [new Part { Says = first }, new Part { Says = second }], effect);

    private static Dictionary<string, string> Headers(params (string Name, string Value)[] headers) =>
        headers.ToDictionary(static header => header.Name, static header => header.Value, StringComparer.Ordinal);
}
