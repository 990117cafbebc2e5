using System.Buffers;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>What a client can send that cannot be inspected (rule 9): such a request is refused with 403 and counted, never answered with an error that a script may let pass.</summary>
internal static class ClientProblems
{
    private static readonly SearchValues<char> SpaceAndControls = SearchValues.Create([.. Enumerable.Range(0, 33).Select(static code => (char)code), '\u007f']);

    /// <summary>What is wrong with a request; null when nothing is.</summary>
    public static string? Of(QuestionRequest request) =>
        request.Headers.Problem is { } problem ? problem
        : !HeaderRules.IsToken(request.Method) ? "its method is no token"
        : request.Target is not (['/', ..] or "*") && request.Method != "CONNECT" ? "its path begins neither with a slash nor is it an asterisk"
        : request.Target.AsSpan().ContainsAny(SpaceAndControls) ? "its path or query holds a space or a control character"
        : AreOneHost(request.Authority, request.Headers.Block.Get("host")) ? null
        : "its Host header names another host than the one by which the proxy chose the site";

    private static bool AreOneHost(string? authority, string? host) =>
        string.IsNullOrEmpty(authority) || string.IsNullOrEmpty(host)
        || HostName.Of(authority).Equals(HostName.Of(host), StringComparison.OrdinalIgnoreCase);
}
