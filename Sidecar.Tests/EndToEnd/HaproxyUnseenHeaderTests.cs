using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Nothing of a request's line and headers reaches the upstream of a real HAProxy that agents were not shown, and names that only agents may set
/// carry nobody else's word.
/// </summary>
[Category("EndToEnd")]
internal sealed class HaproxyUnseenHeaderTests
{
    private const string Names = ",header-form=names,set-headers=X-User,edit-headers=X-Client-Secret,response-headers=X-Frame-Options";

    // Shown, and taken away behind the question: those of the connection, and the one that only agents set.
    private static readonly string[] ShownOnly = ["upgrade", "http2-settings", "x-user", "x_user"];

    private static readonly object[][] Configurations = [["haproxy.cfg", ""], ["haproxy-fail-open.cfg", ""], ["haproxy-no-lua.cfg", Names]];

    [Test]
    public void AllNamesThatHaproxysTableHides_AreSent() => Assert.That(HostileHeaderNames.All, Is.SupersetOf(HeaderTables.Haproxy.Consumed));

    [TestCaseSource(nameof(Configurations))]
    public async Task NoHeader_ReachesTheUpstreamUnseen(string file, string listenKeys)
    {
        await using var origin = new RawOrigin();
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent, file: file, listenKeys: listenKeys, edit: origin.InPlaceOfOrigin);
        var faults = new List<string>();
        foreach (var (number, names) in HostileHeaderNames.All.Chunk(40).Index())
        {
            // Each on two lines, and a value that tells it.
            var answer = await RawHttp.SendAsync(
                stack.Port, $"GET /names/{number} HTTP/1.1", names.SelectMany(static name => (string[])[$"{name}: one-{name}", $"{name}: two-{name}"]));

            Assert.That(answer.Status, Is.EqualTo(200), () => string.Join(' ', names));
            var got = origin.Requests.Single(request => request.Target == $"/names/{number}");
            var seen = agent.Seen.OfType<RequestHeadersEvent>().Single(message => message.Uri == got.Target).Headers;
            foreach (var name in names.Concat(got.Headers.Select(static header => header.Name)).Distinct())
            {
                var passed = string.Join('|', got.Headers.Where(header => header.Name == name).Select(static header => header.Value));
                var shown = string.Join('|', seen.GetAll(name));
                if (passed != shown && !(passed.Length == 0 && ShownOnly.Contains(name)))
                {
                    faults.Add($"{name}: the agent saw '{shown}', the upstream '{passed}'");
                }
            }
        }

        Assert.That(faults, Is.Empty, () => string.Join('\n', faults));
    }

    [TestCaseSource(nameof(Configurations))]
    public async Task NoPartOfTheRequestLine_ReachesTheUpstreamUnseen(string file, string listenKeys)
    {
        await using var origin = new RawOrigin();
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent, file: file, listenKeys: listenKeys, edit: origin.InPlaceOfOrigin);
        string[] lines =
        [
            "GET /plain?a=b", "GET http://shop.example.org/absolute?x", "GET https://shop.example.org/scheme", "GET ${jndi}://shop.example.org/odd",
            "GET evil://shop.example.org/other",
            "GET http://shop.example.org:8080", "HEAD http://shop.example.org", "OPTIONS http://shop.example.org?x",
            "GET http://user@shop.example.org/userinfo", "GET http://u:p@shop.example.org/password", "GET http://shop.example.org:80/port",
            "GET http://shop.example.org", "GET http://shop.example.org?x",
            "OPTIONS *", "OPTIONS http://shop.example.org", "GET http://other.example/other-host", "GET //double//slash", "GET /a/../b/./c;p=1",
            "GET /@at", "GET /q?http://x@y/", "CONNECT shop.example.org:443",
        ];

        foreach (var line in lines)
        {
            await RawHttp.ExchangeTextAsync(stack.Port, $"{line} HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\n\r\n");
        }

        (string, string)[] authority = [(":authority", "shop.example.org")];
        (string, string)[][] sections =
        [
            [(":method", "GET"), (":scheme", "http"), .. authority, (":path", "/h2?x=y")],
            [(":method", "GET"), (":scheme", "evil"), .. authority, (":path", "/h2-scheme")],
            [(":method", "GET"), (":scheme", "http"), (":authority", "user@shop.example.org"), (":path", "/h2-userinfo")],
            [(":method", "OPTIONS"), (":scheme", "http"), .. authority, (":path", "*")],
            [(":method", "GET"), (":scheme", "http"), (":path", "/h2-no-authority"), ("host", "shop.example.org")],
            [(":method", "GET"), (":scheme", "http"), .. authority, (":path", "/h2-host"), ("host", "other.example")],
        ];
        foreach (var fields in sections)
        {
            await new BodyCase(0, "", IsHttp2: true, IsOrdinary: false, [(byte[])[.. RawHttp2.Preface, .. RawHttp2.Headers(RawHttp2.EndStream, fields)]])
                .SendAsync(stack.Port);
        }

        // In the order in which they were asked about; what was refused is missing on both sides.
        var seen = agent.Seen.OfType<RequestHeadersEvent>().Select(static message => $"{message.Method} {message.Uri} {message.Headers.Get("host")}").Where(
            static line => !line.Contains("/ready", StringComparison.Ordinal));
        var got = origin.Requests.Select(static request => $"{request.Method} {request.Target} {request.Header("host")}")
            .Where(static line => !line.Contains("/ready", StringComparison.Ordinal))
            .ToList();
        Assert.That(got, Is.EqualTo(seen));
        Assert.That(
            new[] { "GET /absolute?x", "GET /", "HEAD /", "OPTIONS *", "GET /h2?x=y" }.Select(static line => $"{line} shop.example.org"), Is.SubsetOf(got));
        Assert.That(got, Has.None.Contains("user@").And.None.Contains("/userinfo").And.None.Contains("/other-host"));
    }

    [TestCaseSource(nameof(Configurations))]
    public async Task ClientsOwnUser_NeverPasses_WhenNoAgentSetsIt(string file, string listenKeys)
    {
        await using var origin = new RawOrigin();
        await using var stack = await HaproxyStack.StartAsync(
            withAgent: false, agentKeys: ",failure-mode=open", file: file, listenKeys: listenKeys, edit: origin.InPlaceOfOrigin);

        var answer = await RawHttp.SendAsync(stack.Port, "GET /user HTTP/1.1", "X-User: forged", "x_user: forged", "X_USER: forged");

        Assert.That(answer.Status, Is.EqualTo(200));
        var got = origin.Requests.Single(static request => request.Target == "/user");
        Assert.That(got.Headers.Where(static header => header.Value == "forged"), Is.Empty);
        Assert.That(got.Header("x-sidecar-bypassed"), Is.EqualTo("agent-absent"));
    }

    [Test]
    public async Task ClientsOwnUser_NeverPasses_WhileTheDaemonIsAway()
    {
        await using var origin = new RawOrigin();
        await using var stack = await HaproxyStack.StartAsync(withDaemon: false, patient: false, file: "haproxy-fail-open.cfg", edit: origin.InPlaceOfOrigin);

        await RawHttp.SendAsync(
            stack.Port,
            "GET http://u@shop.example.org/user HTTP/1.1",
            "X-User: forged",
            "X_User: forged",
            "X-Sidecar-Bypassed: forged",
            "Upgrade: forged",
            "Connection: upgrade, forged");

        var got = origin.Requests.Single();
        Assert.That((got.Target, got.Header("x-sidecar-bypassed")), Is.EqualTo(("/user", "sidecar-unavailable")));
        Assert.That(got.Headers.Where(static header => header.Value.Contains("forged", StringComparison.Ordinal)), Is.Empty);
    }

    [TestCaseSource(nameof(Configurations))]
    public async Task OtherSpelling_DoesNotSurviveWhatAnAgentSetsOrRemoves(string file, string listenKeys)
    {
        await using var origin = new RawOrigin();
        await using var agent = new LambdaAgent("demo")
        {
            Supports = EventSet.RequestHeaders,
            Answers = static (_, _) => new(
                AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("X-User", "alice"), HeaderOperation.Remove("X-Client-Secret"))),
        };
        await using var stack = await HaproxyStack.StartAsync(agent, file: file, listenKeys: listenKeys, edit: origin.InPlaceOfOrigin);

        await RawHttp.SendAsync(
            stack.Port,
            "GET /spelling HTTP/1.1",
            "X_User: root",
            "X-User: root",
            "X_Client_Secret: root",
            "X-Client_Secret: root",
            "X-Client-Secret: root",
            "X_Other: kept");

        var got = origin.Requests.Single(static request => request.Target == "/spelling").Headers;
        Assert.That(got.Where(static header => header.Value == "root"), Is.Empty);
        Assert.That(got, Has.One.EqualTo(("x-user", "alice")).And.One.EqualTo(("x_other", "kept")));
    }

    [Test]
    public async Task ReadyConfigurations_LoadWithoutAWarning([Values("haproxy.cfg", "haproxy-fail-open.cfg", "haproxy-no-lua.cfg")] string file)
    {
        await using var stack = await HaproxyStack.StartAsync(
            withAgent: false, file: file, listenKeys: file.Contains("no-lua", StringComparison.Ordinal) ? Names : "");

        Assert.That(stack.Haproxy.Log, Does.Not.Contain("[WARNING]").And.Not.Contain("[ALERT]"));
    }
}
