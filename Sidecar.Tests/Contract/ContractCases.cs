using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Contract;

/// <summary>The table: what agents say, and what it comes to behind every front end. Of each front end that cannot, the table says why.</summary>
internal static class ContractCases
{
    /// <summary>What the client gets of a request that passes unchanged.</summary>
    public const string Answered = "200 server=up; x-frame-options=SAMEORIGIN; x-served-by=up";

    /// <summary>What the upstream gets of it.</summary>
    public const string Sent = "x-debug=1; x-secret=s; x-tag=a";

    /// <summary>All cases.</summary>
    public static IReadOnlyList<ContractCase> All { get; } = [.. HeaderCases.All, .. RefusalCases.All, .. FailureCases.All, .. Watched()];

    /// <summary>A case of one agent that says one thing.</summary>
    public static ContractCase Says(string name, AgentResponse says, Effect effect, params Deviation[] deviations) =>
        new(name, [new Part { Says = says }], effect) { Deviations = deviations };

    /// <summary>The page of a status.</summary>
    public static string Page(string status) =>
        $"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{status}</title></head><body><h1>{status}</h1></body></html>";

    /// <summary>A reply with a page of ours and nothing else.</summary>
    public static string Plain(string status) => $"{status[..3]} cache-control=no-store; content-type=text/html; charset=utf-8 | {Page(status)}";

    private static IEnumerable<ContractCase> Watched()
    {
        var blocking = new Part { Says = Answer.Block(451).WithBody("never seen"), Mode = AgentMode.Monitor };
        yield return new("monitor blocks", [blocking], new(Answered, Sent, "not-subject|none"));
        yield return new(
            "monitor blocks, agent changes",
            [new Part { Says = Answer.Allow.WithRequestHeaders(HeaderOperation.Set("x-user", "alice")) }, blocking],
            new(Answered, Sent + "; x-user=alice", "inspected|none"));
        yield return new("no agent is asked", [], new(Answered, Sent, "not-subject|none"));
        yield return new("no route takes it", [new Part()], new(Plain("403 Forbidden"), Effect.Nothing, "refused|no-route")) { IsRouted = false };
    }
}
