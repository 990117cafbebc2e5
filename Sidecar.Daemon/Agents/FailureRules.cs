using System.Collections.Frozen;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Agents;

/// <summary>What happens to an exchange that an agent could not inspect, looked up by cause and phase. Immutable; nothing is allocated.</summary>
internal readonly record struct FailureRules
{
    private static readonly FrozenDictionary<string, ulong> Bits = Enum.GetValues<Cause>()
        .Where(static cause => FailureOptions.Causes.Contains(cause.Label())).ToFrozenDictionary(static cause => cause.Label(), BitOf);

    // A bit for each cause that passes, in either phase.
    private readonly ulong _openInRequests;
    private readonly ulong _openInResponses;

    /// <summary>What the operator wrote; what he wrote nothing for is refused.</summary>
    public FailureRules(FailureOptions written)
    {
        foreach (var (name, mode) in written.Words)
        {
            var bits = Bits.GetValueOrDefault(name, ulong.MaxValue);
            _openInRequests = name == "response" ? _openInRequests : With(_openInRequests, bits, mode);
            _openInResponses = name == "request" ? _openInResponses : With(_openInResponses, bits, mode);
        }
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

    private static ulong With(ulong open, ulong bits, FailureMode mode) => mode == FailureMode.Open ? open | bits : open & ~bits;

    private static ulong BitOf(Cause cause) => 1UL << (int)cause;
}
