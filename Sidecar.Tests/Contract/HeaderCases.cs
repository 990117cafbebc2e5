using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using static Sidecar.Protocol.Messages.HeaderOperation;

namespace Sidecar.Tests.Contract;

/// <summary>Agents that allow, and change headers.</summary>
internal static class HeaderCases
{
    private const string Answered = ContractCases.Answered;
    private const string Sent = ContractCases.Sent;
    private const string Inspected = "inspected|none";

    private static readonly string[] OnePlacePerName = ["nginx", "caddy"];

    public static IEnumerable<ContractCase> All =>
    [
        Says("allow", Answer.Allow, new(Answered, Sent, Inspected)),
        Says(
            "request headers set, added to and removed",
            Answer.Allow.WithRequestHeaders(Set("X-User", "alice"), Add("x-tag", "b"), Remove("X-Secret")),
            new(Answered, "x-debug=1; x-tag=a, b; x-user=alice", Inspected)),
        Says(
            "request header set twice and added to",
            Answer.Allow.WithRequestHeaders(Set("x-tag", "b"), Set("X-Tag", "c"), Add("x-tag", "d")),
            new(Answered, "x-debug=1; x-secret=s; x-tag=c, d", Inspected)),
        new(
            "changes of two agents in the order of the route",
            [
                new Part { Says = Answer.Allow.WithRequestHeaders(Set("x-user", "alice"), Remove("x-tag")) },
                new Part { Says = Answer.Allow.WithRequestHeaders(Set("x-user", "bob"), Add("x-tag", "c")) },
            ],
            new(Answered, "x-debug=1; x-secret=s; x-tag=c; x-user=bob", Inspected)),
        Says(
            "request header set that the proxy's configuration does not name",
            Answer.Allow.WithRequestHeaders(Set("x-geo", "eu"), Set("x-user", "alice")),
            new(Answered, "x-debug=1; x-geo=eu; x-secret=s; x-tag=a; x-user=alice", Inspected),
            new Deviation(
                ["nginx", "caddy", "traefik", "envoy-http"],
                "the proxy copies the headers that its configuration names and no other",
                new(Answered, "x-debug=1; x-secret=s; x-tag=a; x-user=alice", Inspected, "request-header-set=1"))),
        Says(
            "request header removed that the proxy's configuration does not name",
            Answer.Allow.WithRequestHeaders(Remove("x-debug")),
            new(Answered, "x-secret=s; x-tag=a", Inspected),
            new Deviation(
                ["nginx", "caddy", "traefik"],
                "the proxy removes the headers that its configuration names and no other; what an agent wants hidden must not be seen",
                new(FailureCases.Unavailable, Effect.Nothing, "refused|unapplied", "request-header-remove=1"))),
        Says(
            "removal of a request header that is not there",
            Answer.Allow.WithRequestHeaders(Remove("x-absent")),
            new(Answered, Sent, Inspected)),
        Says(
            "response header set",
            Answer.Allow.WithResponseHeaders(Set("X-Frame-Options", "DENY")),
            new("200 server=up; x-frame-options=DENY; x-served-by=up", Sent, Inspected),
            OnlyCookies(1),
            new Deviation(
                ["envoy-http"],
                "Envoy adds what it copies into the response",
                new("200 server=up; x-frame-options=SAMEORIGIN, DENY; x-served-by=up", Sent, Inspected))),
        Says(
            "response header added to what the upstream says",
            Answer.Allow.WithResponseHeaders(Add("x-served-by", "b")),
            new("200 server=up; x-frame-options=SAMEORIGIN; x-served-by=up, b", Sent, Inspected),
            OnlyCookies(1),
            new Deviation(
                OnePlacePerName,
                "the configuration has one place for the header, for the upstream's own or for the agents': nobody knows yet what the upstream will say",
                new("200 server=up; x-frame-options=SAMEORIGIN; x-served-by=b", Sent, Inspected))),
        Says(
            "cookie",
            Answer.Allow.WithResponseHeaders(Add("Set-Cookie", "a=1")),
            new("200 server=up; set-cookie=a=1; x-frame-options=SAMEORIGIN; x-served-by=up", Sent, Inspected)),
        Says(
            "two cookies",
            Answer.Allow.WithResponseHeaders(Add("Set-Cookie", "a=1"), Add("set-cookie", "b=2")),
            new("200 server=up; set-cookie=a=1 and b=2; x-frame-options=SAMEORIGIN; x-served-by=up", Sent, Inspected),
            new Deviation(
                OnePlacePerName,
                "there is one line, on which two cookies are one with a broken value",
                new(Answered, Sent, Inspected, "response-header-set=1"))),
        Says(
            "response header removed",
            Answer.Allow.WithResponseHeaders(Remove("server")),
            new("200 x-frame-options=SAMEORIGIN; x-served-by=up", Sent, Inspected),
            new Deviation(
                ["nginx", "caddy", "traefik", "envoy-http", "ext_authz"],
                "the proxy has no way to take a header from the upstream's response",
                new(Answered, Sent, Inspected, "response-header-remove=1"))),
    ];

    private static ContractCase Says(string name, AgentResponse says, Effect effect, params Deviation[] deviations) =>
        ContractCases.Says(name, says, effect, deviations);

    private static Deviation OnlyCookies(int count) =>
        new(
            ["traefik"],
            "of the answer's headers Traefik hands cookies to the client and nothing else",
            new(Answered, Sent, Inspected, $"response-header-set={count}"));
}
