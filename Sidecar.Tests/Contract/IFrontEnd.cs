using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>A front end before a daemon of its own, asked once in the words of its proxy, whose part the adapter plays.</summary>
internal interface IFrontEnd : IAsyncDisposable
{
    /// <summary>The daemon behind it.</summary>
    InspectionHarness Daemon { get; }

    /// <summary>Asks about the request, does as the answer says, and tells the end where the protocol has one.</summary>
    Task AskAsync(Passage passage);
}

/// <summary>All that there are.</summary>
internal static class FrontEndList
{
    /// <summary>Ways to start each, by name.</summary>
    public static IReadOnlyDictionary<string, Func<HarnessOptions, LambdaAgent[], Task<IFrontEnd>>> All { get; } =
        new Dictionary<string, Func<HarnessOptions, LambdaAgent[], Task<IFrontEnd>>>(StringComparer.Ordinal)
        {
            ["nginx"] = NginxContract.StartAsync,
            ["caddy"] = CaddyContract.StartAsync,
            ["traefik"] = TraefikContract.StartAsync,
            ["envoy-http"] = EnvoyHttpContract.StartAsync,
            ["ext_authz"] = ExtAuthzContract.StartAsync,
            ["ext_proc"] = ExtProcContract.StartAsync,
            ["spop"] = SpopContract.StartAsync,
            ["decide"] = DecideContract.StartAsync,
            ["frames"] = FramesContract.StartAsync,
            ["native"] = NativeContract.StartAsync,
        };
}
