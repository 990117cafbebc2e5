using Sidecar.Daemon.Configuration;
using Sidecar.Tests.FrontEnds.AuthRequest;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>nginx with the ready configuration: <c>auth_request</c>, and a second step for the reply.</summary>
internal sealed class NginxContract(InspectionHarness daemon) : HttpContract(daemon, ProxyKind.Nginx)
{
    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        await StartAsync(new NginxContract(await InspectionHarness.StartAsync(options, agents)));

    protected override HttpRequestMessage Question() => Get(
        "/check", ("X-Original-Method", "GET"), ("X-Original-URI", "/"), ("X-Forwarded-Host", "shop.example"), ("X-Forwarded-For", "192.0.2.7"));

    protected override void Pass(HttpResponseMessage answer, Passage passage)
    {
        foreach (var name in Edited)
        {
            passage.Request.SetOrRemove(name, answer.One("X-Sidecar-Request-" + name));
        }

        passage.Request.SetOrRemove(Passage.Bypassed, answer.One("X-Sidecar-Cause"));

        // The upstream's own unless an agent set it: the map of the configuration.
        foreach (var name in Added.Where(name => answer.One("X-Sidecar-Response-" + name).Length > 0))
        {
            passage.Response.Set(name, answer.One("X-Sidecar-Response-" + name));
        }
    }

    protected override async Task RefuseAsync(HttpResponseMessage answer, Passage passage)
    {
        using var reply = await Client.SendAsync(UnixHttp.Get("/v1/reply/" + answer.One("X-Sidecar-Reply")));
        await base.RefuseAsync(reply, passage);
    }
}
