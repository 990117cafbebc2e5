using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// What an agent is told of a request does not depend on whether nginx or Envoy asks, by either of its services, but for the differences that
/// the table of scripts/envoy/README.md names.
/// </summary>
[Category("EndToEnd")]
internal sealed class EnvoyEventTests
{
    private LambdaAgent _agent = null!;
    private EnvoyStack _envoy = null!;
    private TempDirectory _directory = null!;
    private OriginServer _origin = null!;
    private NginxServer _nginx = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        _directory = new TempDirectory();
        _origin = await OriginServer.StartAsync();
        _envoy = await EnvoyStack.StartAsync(_agent, flags: ["--listen", $"http={_directory.Socket("http")},proxy=nginx,budget=50s"]);
        _nginx = await NginxServer.StartAsync(_directory.Socket("http"), _origin.Port);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _nginx.DisposeAsync();
        await _envoy.DisposeAsync();
        await _agent.DisposeAsync();
        await _origin.DisposeAsync();
        _directory.Dispose();
    }

    [TestCaseSource(typeof(SameRequests), nameof(SameRequests.All))]
    public async Task SameRequest_SameEvent(params string[] request)
    {
        var before = _agent.Seen.Count;
        await RawHttp.SendAsync(_nginx.Port, request[0], request.Skip(1));
        await using var wire = _envoy.Open();
        await wire.AskAsync(EnvoyQuestions.Process(request[0], request.Skip(1)));
        await _envoy.CheckAsync(EnvoyQuestions.Check(request[0], request.Skip(1)));

        var events = _agent.Seen.Skip(before).OfType<RequestHeadersEvent>().ToList();
        Assert.That(events, Has.Count.EqualTo(3), "each has its answer, so each was told");
        var nginx = SameRequests.Describe(events[0], EnvoyQuestions.OfEnvoy);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(SameRequests.Describe(events[1], EnvoyQuestions.OfEnvoy), Is.EqualTo(nginx), "ext_proc");
            Assert.That(SameRequests.Describe(events[2], EnvoyQuestions.OfEnvoy), Is.EqualTo(nginx), "ext_authz");
            Assert.That(SameRequests.Describe(events[2]), Is.EqualTo(SameRequests.Describe(events[1])), "both, with the headers that are Envoy's");
        }
    }
}
