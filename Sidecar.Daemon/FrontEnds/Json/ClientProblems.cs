namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>What a client can send that cannot be inspected (rule 9): such a request is refused with 403 and counted, never answered with an error that a script may let pass.</summary>
internal static class ClientProblems
{
    /// <summary>What is wrong with a request; null when nothing is.</summary>
    public static string? Of(QuestionRequest request) =>
        request.Headers.Problem
        ?? RequestRules.MethodProblem(request.Method)
        ?? (request.Method == "CONNECT" ? RequestRules.TargetCharsProblem(request.Target) : RequestRules.TargetProblem(request.Target))
        ?? (RequestRules.AreOneHost(request.Authority, request.Headers.Block.Get("host"))
            ? null
            : "its Host header names another host than the one by which the proxy chose the site");
}
