using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using static Sidecar.Tests.Contract.ContractCases;

namespace Sidecar.Tests.Contract;

/// <summary>Agents that cannot be heard, closed and open.</summary>
internal static class FailureCases
{
    /// <summary>Why some statuses are no refusal to Envoy's ext_authz over HTTP.</summary>
    public const string TakenForAFailure = "Envoy takes 5xx for a failure of ours, which its failure_mode_allow lets pass";

    private const string Pages = "cache-control=no-store; content-type=text/html; charset=utf-8";

    /// <summary>What a client gets when its request cannot be inspected.</summary>
    public static string Unavailable { get; } = Refusal("503 Service Unavailable");

    private static string TimedOut { get; } = Refusal("504 Gateway Timeout");

    public static IEnumerable<ContractCase> All
    {
        get
        {
            foreach (var (trouble, cause) in ((Trouble, string)[])
                [(Trouble.Absent, "agent-absent"), (Trouble.Crash, "agent-crash"), (Trouble.Error, "agent-error")])
            {
                yield return new($"{trouble} closed", [new Part { Trouble = trouble }], Closed(cause)) { Deviations = ClosedElsewhere(cause) };
                yield return Opened(trouble, cause);
            }

            yield return new("Timeout closed", [new Part { Trouble = Trouble.Timeout }], new(TimedOut, Effect.Nothing, "refused|timeout"))
            {
                Deviations = Elsewhere(TimedOut, Plain("504 Gateway Timeout"), "refused|timeout"),
            };
            yield return Opened(Trouble.Timeout, "timeout");
            yield return new(
                "allow that cannot be applied",
                [new Part { Says = Answer.Allow.WithRequestHeaders(HeaderOperation.Set("x-user", "alice"), HeaderOperation.Set("host", "evil")) }],
                Closed("bad-answer"))
            {
                Deviations = ClosedElsewhere("bad-answer"),
            };
        }
    }

    /// <summary>A failure of an agent that must be heard.</summary>
    public static Effect Closed(string cause) => new(Unavailable, Effect.Nothing, "refused|" + cause);

    /// <summary>The same where the proxy sees it otherwise.</summary>
    public static IReadOnlyList<Deviation> ClosedElsewhere(string cause) => Elsewhere(Unavailable, Plain("503 Service Unavailable"), "refused|" + cause);

    private static ContractCase Opened(Trouble trouble, string cause) => new(
        $"{trouble} open",
        [new Part { Trouble = trouble, FailureMode = FailureMode.Open }],
        new(Answered, $"x-debug=1; x-secret=s; {Passage.Bypassed}={cause}; x-tag=a", "bypassed|" + cause))
    {
        Deviations =
        [
            new(["native"], "the protocol tells it in the audit's reason codes; no proxy makes a header of those", new(Answered, Sent, "bypassed|" + cause)),
        ],
    };

    private static Deviation[] Elsewhere(string client, string plain, string ledger) =>
    [
        new(["envoy-http"], TakenForAFailure, new("403" + client[3..], Effect.Nothing, ledger)),
        new(["native"], "the protocol has no word for it but a block, without the time after which to try again", new(plain, Effect.Nothing, ledger)),
    ];

    private static string Refusal(string status) => $"{status[..3]} {Pages}; retry-after=1 | {Page(status)}";
}
