using Sidecar.Daemon.Configuration;
using Sidecar.Tests.FrontEnds.AuthRequest;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>Proxies that copy headers of the answer under their own names, and hand everything that is no 200 to the client.</summary>
internal abstract class ForwardAuthContract(InspectionHarness daemon, ProxyKind proxy) : HttpContract(daemon, proxy)
{
    protected override HttpRequestMessage Question() => Get(
        "/v1/forward-auth", ("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/"), ("X-Forwarded-Host", "shop.example"), ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "192.0.2.7"));

    protected override void Pass(HttpResponseMessage answer, Passage passage)
    {
        foreach (var name in Edited.Append(Passage.Bypassed))
        {
            passage.Request.SetOrRemove(name, answer.One(name));
        }
    }
}

/// <summary>Caddy's <c>forward_auth</c> with the ready configuration.</summary>
internal sealed class CaddyContract(InspectionHarness daemon) : ForwardAuthContract(daemon, ProxyKind.Caddy)
{
    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        await StartAsync(new CaddyContract(await InspectionHarness.StartAsync(options, agents)));

    protected override void Pass(HttpResponseMessage answer, Passage passage)
    {
        base.Pass(answer, passage);
        foreach (var name in Added.Where(name => answer.One("X-Sidecar-Response-" + name).Length > 0))
        {
            passage.Response.Set(name, answer.One("X-Sidecar-Response-" + name));
        }
    }
}

/// <summary>Traefik's <c>ForwardAuth</c> with the ready configuration.</summary>
internal sealed class TraefikContract(InspectionHarness daemon) : ForwardAuthContract(daemon, ProxyKind.Traefik)
{
    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        await StartAsync(new TraefikContract(await InspectionHarness.StartAsync(options, agents)));

    protected override void Pass(HttpResponseMessage answer, Passage passage)
    {
        base.Pass(answer, passage);
        foreach (var cookie in Lines(answer, "Set-Cookie"))
        {
            passage.Response.Add("Set-Cookie", cookie);
        }
    }
}

/// <summary>Envoy's ext_authz over HTTP with the ready configuration.</summary>
internal sealed class EnvoyHttpContract(InspectionHarness daemon) : HttpContract(daemon, ProxyKind.EnvoyHttp)
{
    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        await StartAsync(new EnvoyHttpContract(await InspectionHarness.StartAsync(options, agents)));

    protected override HttpRequestMessage Question() => Get("/", ("x-sidecar-client-address", "192.0.2.7"), ("x-sidecar-protocol", "HTTP/2"));

    // Envoy sets first and removes then; to the response it adds.
    protected override void Pass(HttpResponseMessage answer, Passage passage)
    {
        foreach (var name in Edited.Append(Passage.Bypassed).Where(name => Lines(answer, name).Any()))
        {
            passage.Request.Set(name, answer.One(name));
        }

        foreach (var name in answer.One("x-envoy-auth-headers-to-remove").Split(", "))
        {
            passage.Request.Remove(name);
        }

        foreach (var (name, value) in Added.SelectMany(name => Lines(answer, name).Select(value => (name, value))))
        {
            passage.Response.Add(name, value);
        }
    }
}
