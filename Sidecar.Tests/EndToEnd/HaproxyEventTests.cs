using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// What an agent is told of a request does not depend on whether nginx or HAProxy asks, but for the differences that the table of scripts/haproxy/README.md
/// names.
/// </summary>
[Category("EndToEnd")]
internal sealed class HaproxyEventTests
{
    [TestCaseSource(typeof(SameRequests), nameof(SameRequests.All))]
    public async Task SameRequest_SameEvent(params string[] request)
    {
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent, listenKeys: "");
        var nginxSocket = stack.Files.Socket("http");
        await using var second = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={stack.Files.Socket("agent")},timeout=40s", "--listen", $"http={nginxSocket},proxy=nginx,budget=50s");
        await second.WaitForAsync("agent demo is reachable");
        await using var nginx = await NginxServer.StartAsync(nginxSocket, stack.Origin.Port);
        var before = agent.Seen.Count;

        var throughHaproxy = await RawHttp.SendAsync(stack.Port, request[0], request.Skip(1));
        var throughNginx = await RawHttp.SendAsync(nginx.Port, request[0], request.Skip(1));

        var events = agent.Seen.Skip(before).OfType<RequestHeadersEvent>().ToList();
        Assert.That(events, Has.Count.EqualTo(2), $"HAProxy {throughHaproxy.Status}, nginx {throughNginx.Status}");
        Assert.That(SameRequests.Describe(events[0]), Is.EqualTo(SameRequests.Describe(events[1])));
    }

    [Test]
    public async Task OptionsOfTheServer_HasAnAsteriskForItsTarget()
    {
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent);

        await RawHttp.SendAsync(stack.Port, "OPTIONS * HTTP/1.1");

        Assert.That(agent.Seen.OfType<RequestHeadersEvent>().Last().Uri, Is.EqualTo("*"));
    }
}
