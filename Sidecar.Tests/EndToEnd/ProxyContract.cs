namespace Sidecar.Tests.EndToEnd;

/// <summary>What one proxy, with its ready configuration, can carry of what agents say.</summary>
/// <param name="Setup">The proxy.</param>
internal sealed record ProxyContract(ProxySetup Setup)
{
    /// <summary>Whether agents can set headers of the response.</summary>
    public bool SetsResponseHeaders { get; init; } = true;

    /// <summary>Whether the headers of a block arrive.</summary>
    public bool CarriesHeadersOfBlocks { get; init; } = true;

    /// <summary>The statuses of blocks that arrive, any other becomes 403; null for all.</summary>
    public IReadOnlyList<int>? Statuses { get; init; }

    /// <summary>Whether a block can have a status of success. For a proxy that judges by the status alone it would be an allow.</summary>
    public bool BlocksWithSuccess { get; init; } = true;

    /// <summary>What the proxy itself answers to what it does not take.</summary>
    public IReadOnlyList<int> OwnRefusals { get; init; } = [400];

    /// <summary>
    /// Whether its own refusals may be a closed connection: they are responses, of which it asks, and it closes before it has heard the answer.
    /// </summary>
    public bool MayRefuseByClosing { get; init; }

    /// <summary>What of its configuration makes the proxy take more from clients than it does by itself, so that the sidecar has to judge it.</summary>
    public string GenerousToClients => Setup switch
    {
        // Only Lua can take away what nginx lets through under names with underscores.
        ProxySetup.NginxLua => "    large_client_header_buffers 8 512k;\n    underscores_in_headers on;",
        ProxySetup.NginxAuthRequest or ProxySetup.NginxNjs => "    large_client_header_buffers 8 512k;",
        _ => "",
    };

    /// <summary>Whether names with underscores pass as they are: of Caddy's own directive nothing takes them away.</summary>
    public bool PassesUnderscores => Setup == ProxySetup.CaddyShortForm;

    /// <summary>The status that arrives for a block with this one.</summary>
    public int StatusOf(int status) => (Statuses?.Contains(status) ?? true) && (BlocksWithSuccess || status is < 200 or > 299) ? status : 403;

    /// <inheritdoc/>
    public override string ToString() => Setup.ToString();
}

/// <summary>All of them.</summary>
internal static class ProxyContracts
{
    /// <summary>One for each ready configuration.</summary>
    public static IEnumerable<ProxyContract> All { get; } =
    [
        new(ProxySetup.NginxAuthRequest),
        new(ProxySetup.NginxLua),
        new(ProxySetup.NginxNjs),
        new(ProxySetup.Haproxy),
        new(ProxySetup.HaproxyNoLua) { CarriesHeadersOfBlocks = false, Statuses = [403, 429] },
        new(ProxySetup.Caddy) { BlocksWithSuccess = false },
        new(ProxySetup.CaddyShortForm) { BlocksWithSuccess = false, SetsResponseHeaders = false },
        new(ProxySetup.Traefik) { BlocksWithSuccess = false, SetsResponseHeaders = false },
        new(ProxySetup.TraefikForwardingBodies) { BlocksWithSuccess = false, SetsResponseHeaders = false, OwnRefusals = [400, 500] },
        new(ProxySetup.EnvoyAuthz),
        new(ProxySetup.EnvoyHttpAuthz) { BlocksWithSuccess = false },
        new(ProxySetup.EnvoyProc) { SetsResponseHeaders = false },
        new(ProxySetup.EnvoyProcResponses) { MayRefuseByClosing = true },
    ];
}
