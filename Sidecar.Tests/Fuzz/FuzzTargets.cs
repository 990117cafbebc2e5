namespace Sidecar.Tests.Fuzz;

/// <summary>Every entry point that takes bytes of a peer.</summary>
internal static class FuzzTargets
{
    private static readonly Lazy<IReadOnlyList<FuzzTarget>> Targets =
        new(static () => [.. AgentTargets.All, .. FrameTargets.All, .. SpopTargets.All, .. EnvoyTargets.All, .. ProxyTargets.All,
            .. VerdictTargets.All, .. ConfigurationTargets.All]);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FuzzTarget> All => Targets.Value;
}
