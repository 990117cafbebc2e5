using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Agents;

/// <summary>What happens to an exchange that an agent could not inspect, looked up by cause and phase. Immutable; nothing is allocated.</summary>
internal readonly record struct FailureRules
{
    private static readonly IReadOnlyList<(ulong Bit, string Word)> Words =
        [.. Enum.GetValues<Cause>().Select(static cause => (BitOf(cause), cause.Label())).Where(static one => FailureOptions.Causes.Contains(one.Item2))];

    // A bit for each cause that passes, in either phase.
    private readonly ulong _openInRequests;
    private readonly ulong _openInResponses;

    /// <summary>What the operator wrote; what he wrote nothing for is refused.</summary>
    public FailureRules(FailureOptions written)
    {
        _openInRequests = Open(written, "request");
        _openInResponses = Open(written, "response");
    }

    private FailureRules(ulong openInRequests, ulong openInResponses) =>
        (_openInRequests, _openInResponses) = (openInRequests, openInResponses);

    /// <summary>What happens for a cause.</summary>
    /// <param name="cause">Why it was not inspected.</param>
    /// <param name="isResponse">Whether it is the response that was not.</param>
    public FailureMode Of(Cause cause, bool isResponse) =>
        ((isResponse ? _openInResponses : _openInRequests) & BitOf(cause)) != 0 ? FailureMode.Open : FailureMode.Closed;

    /// <summary>What passes by both.</summary>
    public FailureRules And(FailureRules other) => new(_openInRequests & other._openInRequests, _openInResponses & other._openInResponses);

    private static ulong Open(FailureOptions written, string phase)
    {
        var open = (written.Find(phase) ?? written.Default) == FailureMode.Open ? ulong.MaxValue : 0;
        foreach (var (bit, word) in Words)
        {
            open = written.Find(word) switch { FailureMode.Open => open | bit, FailureMode.Closed => open & ~bit, _ => open };
        }

        return open;
    }

    private static ulong BitOf(Cause cause) => 1UL << (int)cause;
}
