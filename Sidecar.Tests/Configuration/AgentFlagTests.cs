using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Configuration;

public sealed class AgentFlagTests
{
    [Test]
    public void Everything_IsRead()
    {
        using var directory = new TempDirectory();
        var file = directory.File("waf.json");
        File.WriteAllText(file, """{"level":3}""");
        var agent = Parse("waf=unix:/run/waf.sock, timeout=80ms,body-timeout=1.5s,failure-mode=open,events=request-headers+request_body,"
            + $"mode=monitor,connections=2,encoding=json,config-file={file}");

        Assert.That((agent.Id, agent.Endpoints.Single().ToString(), agent.OnFailure, agent.Mode, agent.Pool.Connections, agent.Encoding),
            Is.EqualTo(("waf", "/run/waf.sock", (FailureOptions)FailureMode.Open, AgentMode.Monitor, (int?)2, "json")));
        Assert.That(
            (agent.Pool.Get(CallSettings.HeaderTimeout), agent.Pool.Get(CallSettings.BodyTimeout)),
            Is.EqualTo((TimeSpan.FromMilliseconds(80), TimeSpan.FromSeconds(1.5))));
        Assert.That(agent.Events, Is.EqualTo(EventSet.RequestHeaders | EventSet.RequestBodyChunk));
        Assert.That(agent.Configuration!.Value.GetProperty("level").GetInt32(), Is.EqualTo(3));
    }

    [Test]
    public void Reverse_IsAnAgentThatDialsIn_AndNeverMistakenForAPath()
    {
        var agent = Parse("waf=reverse:,connections=2");
        Assert.That((agent.Endpoints.Single().ToString(), agent.IsReverse, agent.Pool.Connections), Is.EqualTo(("reverse:", true, (int?)2)));
        Assert.That((Parse("waf=unix:/reverse:").IsReverse, Parse("waf=unix:/reverse:").Endpoints.Single().ToString()), Is.EqualTo((false, "/reverse:")));
        Assert.That(Parse("waf=/./reverse:x.sock").IsReverse, Is.False);
    }

    [TestCase("waf=reverse:/run/x", "'reverse:' stands alone")]
    [TestCase("waf=reverse:x.sock", "'reverse:' stands alone")]
    [TestCase("waf=/a+reverse:", "endpoint reverse:: 'reverse:' stands alone")]
    [TestCase("waf=reverse", "endpoint reverse is none that can be dialled")]
    public void ReverseMistake_IsNamed(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse(text, errors), Is.Null);
        Assert.That(errors.Single(), Does.Contain(expected));
    }

    [Test]
    public void EndpointAlone_LeavesTheDaemonsSettings()
    {
        var agent = Parse("waf=/waf.sock");
        Assert.That(agent.Endpoints, Is.EqualTo(new[] { new AgentEndpoint.Unix("/waf.sock") }));
        Assert.That(agent with { Endpoints = [] }, Is.EqualTo(new AgentOptions { Id = "waf", Endpoints = [] }));
    }

    [Test]
    public void Timeout_CountsForBodiesToo() => Assert.That(Parse("waf=/w,timeout=50ms").Pool.Get(CallSettings.BodyTimeout), Is.EqualTo(TimeSpan.FromMilliseconds(50)));

    [Test]
    public void SeveralEndpoints_AreSeparatedByPlus() =>
        Assert.That(Parse("waf=/run/a.sock + unix:/run/b.sock+/c.sock").Endpoints.Select(static endpoint => endpoint.ToString()), Is.EqualTo(new[] { "/run/a.sock", "/run/b.sock", "/c.sock" }));

    [TestCase("waf=/a+", "endpoint '' is none that can be dialled")]
    [TestCase("waf=/a+host:80", "endpoint host:80 is none that can be dialled")]
    [TestCase("waf=/a+/b+/a", "endpoint /a is given 2 times")]
    [TestCase("waf", "write id=endpoint")]
    [TestCase("=/w", "write id=endpoint")]
    [TestCase("waf=", "write id=endpoint")]
    [TestCase("waf=http://h/x", "endpoint http://h/x has more than a host and a port")]
    [TestCase("waf=example.org:80", "endpoint example.org:80 is none that can be dialled")]
    [TestCase("waf=unix:", "the path of the socket is empty")]
    [TestCase("", "write id=endpoint")]
    [TestCase("waf=waf.sock", "the path 'waf.sock' is relative")]
    [TestCase("waf=unix:run/waf.sock", "the path 'run/waf.sock' is relative")]
    [TestCase("waf=grpc-unix:waf.sock", "the path 'waf.sock' is relative")]
    [TestCase("waf=unix:reverse:", "the path 'reverse:' is relative")]
    [TestCase("waf=/w,colour=red", "'colour' is none of its keys; see 'sidecar run --help'")]
    [TestCase("waf=/w,timeout", "key timeout: has no value; write timeout=")]
    [TestCase("waf=/w,timeout=1s,timeout=2s", "key timeout: is given twice")]
    [TestCase("waf=/w,timeout=", "key timeout: has no value; write timeout=")]
    [TestCase("waf=/w,config-file=", "key config-file: has no value; write config-file=")]
    [TestCase("waf=/w,timeout=0ms", "key timeout: 0ms is not a duration")]
    [TestCase("waf=/w,body-timeout=fast", "key body-timeout: fast is not a duration")]
    [TestCase("waf=/w,failure-mode=ajar", "key failure-mode: ajar is none of closed, open")]
    [TestCase("waf=/w,mode=on", "key mode: on is none of enforce, monitor, off")]
    [TestCase("waf=/w,connections=0", "key connections: 0 is below 1 ")]
    [TestCase("waf=/w,connections=65", "key connections: 65 is above 64 ")]
    [TestCase("waf=/w,encoding=xml", "key encoding: xml is none of json, msgpack")]
    [TestCase("waf=/w,events=request-headers+lunch", "event lunch is none of request-headers,")]
    [TestCase("waf=/w,events=+", "key events: + names nothing")]
    [TestCase("waf=/w,config-file=/nowhere/x", "config-file /nowhere/x cannot be read as JSON")]
    [TestCase("waf=/w,config-file=/nul\0", "cannot be read as JSON")]
    public void Mistake_IsNamedOnce(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith("--agent ").And.Contain(expected));
    }

    [Test]
    public void LongPath_NamesTheLimit()
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse("waf=/" + new string('p', 107), errors), Is.Null);
        Assert.That(errors.Single(), Does.Contain("108 bytes").And.Contain("107"));
        Assert.That(AgentFlag.Parse("waf=/" + new string('p', 106), errors), Is.Not.Null);
    }

    [Test]
    public void TooManyEndpoints_NamesTheLimit()
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse("waf=" + string.Join('+', Enumerable.Range(1, 17).Select(n => $"/{n}")), errors), Is.Null);
        Assert.That(errors.Single(), Does.Contain("17 endpoints").And.Contain("16"));
    }

    [Test]
    public void SeveralMistakes_AreAllNamed()
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse("waf=tcp://x,timeout=no,mode=no,connections=no,x=y", errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(5));
    }

    private static AgentOptions Parse(string text)
    {
        var errors = new List<string>();
        var agent = AgentFlag.Parse(text, errors);
        Assert.That(errors, Is.Empty);
        return agent!;
    }

    [TestCase("waf=http://10.0.0.1:50051+https://waf.example:443", new[] { "http://10.0.0.1:50051", "https://waf.example:443" })]
    [TestCase("waf=http://[::1]:50051/", new[] { "http://[::1]:50051/" })]
    [TestCase("waf=http://host/x.sock", null)]
    [TestCase("waf=https://u@host", null)]
    [TestCase("waf=https://", null)]
    [TestCase("waf=http://host:0", null)]
    [TestCase("waf=grpc-unix:/run/a+/run/b", new[] { "grpc-unix:/run/a", "/run/b" })]
    [TestCase("waf=grpc-unix:", null)]
    public void GrpcEndpoints_AreUrlsOrHaveASchemeOfTheirOwn(string text, string[]? expected) =>
        Assert.That(AgentFlag.Parse(text, [])?.Endpoints.Select(static endpoint => endpoint.ToString()), Is.EqualTo(expected));

    [TestCase("waf=http://h:1,ca=/dev/null", "not every endpoint begins with https://")]
    [TestCase("waf=https://h:1+http://h:2,server-name=x", "not every endpoint begins with https://")]
    [TestCase("waf=https://h:1,key=/dev/null", "cert=, which is missing")]
    [TestCase("waf=https://h:1,ca=/no/such/file", "key ca: /no/such/file is no file")]
    public void TlsMistake_IsNamed(string text, string expected)
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse(text, errors), Is.Null);
        Assert.That(errors.Single(), Does.Contain(expected));
    }
}
