using Sidecar.Protocol.Messages;
using Sidecar.Tests.EndToEnd.Envoy;
using Sidecar.Tests.EndToEnd.Traefik;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The proxies in front of the daemon, each with a ready configuration.</summary>
internal enum ProxySetup
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

    /// <summary>Caddy's own directive and nothing else.</summary>
    CaddyShortForm,

    /// <summary>Traefik with ForwardAuth: agents see headers only.</summary>
    Traefik,

    /// <summary>The same with <c>forwardBody</c>.</summary>
    TraefikForwardingBodies,

    /// <summary>envoy-ext-authz.yaml, bodies included.</summary>
    EnvoyAuthz,

    /// <summary>envoy-http-authz.yaml, bodies included.</summary>
    EnvoyHttpAuthz,

    /// <summary>envoy-ext-proc.yaml, bodies included.</summary>
    EnvoyProc,

    /// <summary>envoy-ext-proc-responses.yaml, bodies included.</summary>
    EnvoyProcResponses,
}

/// <summary>Starts them.</summary>
internal static class ProxySetups
{
    /// <summary>What the daemon's <c>--listen</c> says for a proxy.</summary>
    /// <param name="proxy">The proxy.</param>
    /// <param name="files">Where the socket is.</param>
    /// <param name="failsOpen">Whether the proxy lets requests pass while the daemon is away.</param>
    public static string Listener(this ProxySetup proxy, TempDirectory files, bool failsOpen = false) => proxy switch
    {
        ProxySetup.NginxAuthRequest => $"http={files.Socket("http")},proxy=nginx",
        ProxySetup.Caddy or ProxySetup.CaddyShortForm => $"http={files.Socket("http")},proxy=caddy,budget=25s",
        ProxySetup.NginxLua => $"frames={files.Socket("frames")}",
        ProxySetup.NginxNjs => $"http={files.Socket("json")},proxy=json",
        ProxySetup.Traefik => RealTraefik.Listener(files),
        ProxySetup.TraefikForwardingBodies => RealTraefik.Listener(files, ",request-body=yes"),
        ProxySetup.EnvoyAuthz => AuthzStack.Listener(AuthzWire.Grpc, files.Socket("envoy")),
        ProxySetup.EnvoyHttpAuthz => AuthzStack.Listener(AuthzWire.Http, files.Socket("envoy")),
        ProxySetup.EnvoyProc or ProxySetup.EnvoyProcResponses => $"envoy={files.Socket("envoy")}{(failsOpen ? ",failure-mode-allow=yes" : "")}",
        ProxySetup.HaproxyNoLua => $"spop={files.Socket("spop")},header-form=names",
        _ => $"spop={files.Socket("spop")}",
    };

    /// <summary>The program that is the proxy.</summary>
    public static string Program(this ProxySetup proxy) => proxy switch
    {
        ProxySetup.Caddy or ProxySetup.CaddyShortForm => "caddy",
        ProxySetup.Traefik or ProxySetup.TraefikForwardingBodies => "traefik",
        ProxySetup.EnvoyAuthz or ProxySetup.EnvoyHttpAuthz or ProxySetup.EnvoyProc or ProxySetup.EnvoyProcResponses => "envoy",
        ProxySetup.Haproxy or ProxySetup.HaproxyNoLua => "haproxy",
        _ => "nginx",
    };

    /// <summary>Ignores the calling test where the proxy is not here. To be asked before anything is started.</summary>
    public static async Task RequireAsync(this ProxySetup proxy)
    {
        if (proxy.Program() is ("traefik" or "envoy") and var program)
        {
            await SharedPeer.RequireAsync(program);
        }
    }

    /// <summary>Whether agents are shown bodies.</summary>
    public static bool ShowsBodies(this ProxySetup proxy) =>
        proxy is not (ProxySetup.NginxAuthRequest or ProxySetup.Caddy or ProxySetup.CaddyShortForm or ProxySetup.Traefik);

    /// <summary>One of those that ask before anything goes upstream, with an agent that is shown bodies.</summary>
    public static async Task<ShownStack> StartShownAsync(this ProxySetup proxy)
    {
        const string Agent = ",events=request_headers+request_body_chunk,max-body=2MiB";
        ShownStack stack = proxy == ProxySetup.TraefikForwardingBodies
            ? await TraefikStack.StartAsync(",request-body=yes", Agent, EventSet.RequestHeaders | EventSet.RequestBodyChunk, RealTraefik.ForwardingBodies)
            : await AuthzStack.StartAsync(proxy == ProxySetup.EnvoyAuthz ? AuthzWire.Grpc : AuthzWire.Http, Agent);

        // Until one has come, requests that could have had one are marked.
        await RawHttp.SendBodyAsync(stack.Port, "POST /first HTTP/1.1", "x");
        return stack;
    }

    /// <summary>Starts a proxy, patient with the daemon.</summary>
    /// <param name="proxy">Which.</param>
    /// <param name="files">Where the daemon's socket is.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="failsOpen">The configuration that lets requests pass while the daemon is away.</param>
    /// <param name="changes">What else is the test's own; null for nothing.</param>
    /// <returns>The proxy and its port.</returns>
    public static async Task<(IAsyncDisposable Proxy, int Port)> StartAsync(
        this ProxySetup proxy, TempDirectory files, int originPort, bool failsOpen, ProxyChanges? changes = null)
    {
        changes ??= new ProxyChanges();
        switch (proxy)
        {
            case ProxySetup.Traefik or ProxySetup.TraefikForwardingBodies:
                var traefik = await RealTraefik.StartAsync(
                    files, originPort, text => changes.Change(proxy == ProxySetup.Traefik ? text : RealTraefik.ForwardingBodies(text)));
                return (traefik, traefik.Port);
            case ProxySetup.EnvoyAuthz or ProxySetup.EnvoyHttpAuthz:
                var wire = proxy == ProxySetup.EnvoyAuthz ? AuthzWire.Grpc : AuthzWire.Http;
                var envoy = await RealEnvoy.StartAsync(
                    files.Socket("envoy"), originPort, AuthzStack.File(wire), edit: text => changes.Change(failsOpen ? AuthzStack.FailingOpen(text) : text));
                return (envoy, envoy.Port);
            case ProxySetup.EnvoyProc or ProxySetup.EnvoyProcResponses:
                var ready = proxy == ProxySetup.EnvoyProc ? "envoy-ext-proc.yaml" : "envoy-ext-proc-responses.yaml";
                var proc = await RealEnvoy.StartAsync(
                    files.Socket("envoy"), originPort, ready,
                    edit: text => changes.Change(failsOpen ? RealEnvoy.Buffering(RealEnvoy.FailingOpen(text)) : text));
                return (proc, proc.Port);
            case ProxySetup.Caddy or ProxySetup.CaddyShortForm:
                var caddyfile = proxy == ProxySetup.CaddyShortForm ? CaddySetup.ShortForm : failsOpen ? CaddySetup.FailOpen : CaddySetup.Ready;
                var caddy = await CaddyServer.StartAsync(files.Socket("http"), originPort, caddyfile, changes.Change);
                return (caddy, caddy.Port);
            case ProxySetup.Haproxy or ProxySetup.HaproxyNoLua:
                var configuration = proxy == ProxySetup.HaproxyNoLua ? "haproxy-no-lua.cfg" : failsOpen ? "haproxy-fail-open.cfg" : "haproxy.cfg";
                var haproxy = await HaproxyServer.StartAsync($"unix@{files.Socket("spop")}", originPort, configuration, edit: changes.Change);
                return (haproxy, haproxy.Port);
            default:
                var file = proxy switch { ProxySetup.NginxLua => "nginx-lua.conf", ProxySetup.NginxNjs => "nginx-njs.conf", _ => "nginx.conf" };
                var nginx = await NginxServer.StartAsync(file, originPort, changes.Server, changes.Http, text => ScriptStack.Change(
                    NginxServer.Change(changes.Change(text), files.Socket("http"), failsOpen), files, new ScriptStackSetup { FailsOpen = failsOpen }));
                return (nginx, nginx.Port);
        }
    }
}
