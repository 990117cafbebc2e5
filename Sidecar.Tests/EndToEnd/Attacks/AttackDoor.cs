using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>The proxies in front of the daemon, each with a ready configuration.</summary>
internal enum AttackDoor
{
    /// <summary>nginx with auth_request: agents see headers only.</summary>
    NginxAuthRequest,

    /// <summary>nginx-lua.conf, bodies included.</summary>
    NginxLua,

    /// <summary>nginx-njs.conf, bodies included.</summary>
    NginxNjs,

    /// <summary>haproxy.cfg, bodies included.</summary>
    Haproxy,

    /// <summary>haproxy-no-lua.cfg, bodies included.</summary>
    HaproxyNoLua,

    /// <summary>Caddy with forward_auth: agents see headers only.</summary>
    Caddy,
}

/// <summary>Starts them.</summary>
internal static class AttackDoors
{
    /// <summary>What the daemon's <c>--listen</c> says for a proxy.</summary>
    /// <param name="door">The proxy.</param>
    /// <param name="files">Where the socket is.</param>
    public static string Listener(this AttackDoor door, TempDirectory files) => door switch
    {
        AttackDoor.NginxAuthRequest => $"http={files.Socket("http")},proxy=nginx",
        AttackDoor.Caddy => $"http={files.Socket("http")},proxy=caddy",
        AttackDoor.NginxLua => $"frames={files.Socket("frames")}",
        AttackDoor.NginxNjs => $"http={files.Socket("json")},proxy=json",
        AttackDoor.HaproxyNoLua => $"spop={files.Socket("spop")},header-form=names",
        _ => $"spop={files.Socket("spop")}",
    };

    /// <summary>The program that is the proxy.</summary>
    public static string Program(this AttackDoor door) => door switch
    {
        AttackDoor.Caddy => "caddy",
        AttackDoor.Haproxy or AttackDoor.HaproxyNoLua => "haproxy",
        _ => "nginx",
    };

    /// <summary>Whether agents are shown bodies.</summary>
    public static bool ShowsBodies(this AttackDoor door) => door is not (AttackDoor.NginxAuthRequest or AttackDoor.Caddy);

    /// <summary>Starts a proxy, patient with the daemon.</summary>
    /// <param name="door">Which.</param>
    /// <param name="files">Where the daemon's socket is.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="failsOpen">The configuration that lets requests pass while the daemon is away.</param>
    /// <returns>The proxy and its port.</returns>
    public static async Task<(IAsyncDisposable Proxy, int Port)> StartAsync(this AttackDoor door, TempDirectory files, int originPort, bool failsOpen)
    {
        switch (door)
        {
            case AttackDoor.NginxAuthRequest:
                var nginx = await NginxServer.StartAsync(files.Socket("http"), originPort, failsOpen);
                return (nginx, nginx.Port);
            case AttackDoor.NginxLua or AttackDoor.NginxNjs:
                var file = door == AttackDoor.NginxLua ? "nginx-lua.conf" : "nginx-njs.conf";
                var script = await NginxServer.StartAsync(file, originPort, "", "", text => ScriptStack.Change(text, files, new ScriptStackSetup { FailsOpen = failsOpen }));
                return (script, script.Port);
            case AttackDoor.Caddy:
                var caddy = await CaddyServer.StartAsync(files.Socket("http"), originPort, failsOpen ? CaddySetup.FailOpen : CaddySetup.Ready);
                return (caddy, caddy.Port);
            default:
                var configuration = door == AttackDoor.HaproxyNoLua ? "haproxy-no-lua.cfg" : failsOpen ? "haproxy-fail-open.cfg" : "haproxy.cfg";
                var haproxy = await HaproxyServer.StartAsync($"unix@{files.Socket("spop")}", originPort, configuration);
                return (haproxy, haproxy.Port);
        }
    }
}
