using System.Globalization;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Agents that dial in, with the daemon and agents as processes of their own.</summary>
[Category("EndToEnd")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ReverseAgentEndToEndTests : IDisposable
{
    private const string Token = "waf-token-0123456789";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();

    [TearDown]
    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task Exchange_IsInspectedByTheAgentThatDialsIn_AlsoAfterTheDaemonWasKilled()
    {
        await using var agent = new ReverseAgent(LambdaAgent.That("waf", Answer.Block(418)), Options(Token));
        agent.Start();
        await using (var daemon = await StartDaemonAsync())
        {
            await AskUntilAsync(418);
            Assert.That(agent.Connections, Has.Count.InRange(1, 2));
            await daemon.KillAsync();
        }

        await Eventually.TrueAsync(() => agent.Connections.Count == 0, Limit, "the connections to end with the daemon");
        await using var next = await StartDaemonAsync();
        await AskUntilAsync(418);
        await Eventually.TrueAsync(() => agent.Connections.Count == 2, Limit, "all connections");
        Assert.That(await next.StopAsync(), Is.Zero);
    }

    [Test]
    public async Task AgentProcess_ComesAndIsKilledAndComesAgain()
    {
        await using var daemon = await StartDaemonAsync();
        await AskUntilAsync(503);
        await using (var agent = StartAgent())
        {
            await daemon.WaitForAsync("agent waf is reachable: reverse:");
            await AskUntilAsync(403);
            await agent.KillAsync();
        }

        await daemon.WaitForAsync("agent waf is not reachable");
        await AskUntilAsync(503);
        await using (var agent = StartAgent())
        {
            await daemon.WaitForAsync("agent waf is reachable: reverse:");
            await AskUntilAsync(403);
            Assert.That(await agent.StopAsync(), Is.Zero);
        }

        Assert.That(await daemon.StopAsync(), Is.Zero);
        Assert.That(Path.Exists(_directory.Socket("reverse")), Is.False);
    }

    [Test]
    public async Task AgentWithAnotherToken_IsToldAndLogged_AndNeverAsked()
    {
        await using var daemon = await StartDaemonAsync();
        await using var agent = new ReverseAgent(LambdaAgent.That("waf", Answer.Block(418)), Options("another-token-0123456789"));
        agent.Start();
        await Eventually.TrueAsync(() => agent.LastRefusal is not null, Limit, "the refusal");
        Assert.That(agent.LastRefusal, Is.EqualTo("Authentication failed: the token is none of agent 'waf'"));
        await daemon.WaitForAsync("a registration on reverse:reverse is refused (wrong-token)");
        Assert.That(daemon.Output, Does.Not.Contain("another-token"));
        await AskUntilAsync(503);
    }

    [Test]
    public async Task UserThatIsNotAllowed_IsTurnedAway()
    {
        await using var daemon = await StartDaemonAsync(",uid=4000000");
        await using var agent = new ReverseAgent(LambdaAgent.That("waf", Answer.Block(418)), Options(Token));
        agent.Start();
        await Eventually.TrueAsync(() => agent.LastRefusal is not null, Limit, "the refusal");
        Assert.That(
            agent.LastRefusal, Does.StartWith(string.Create(CultureInfo.InvariantCulture, $"Not allowed: process {Environment.ProcessId} runs as uid")));
    }

    [TestCase("--agent waf=reverse: --listen native=/tmp/x", "agent waf registers itself, but no listener lets it in")]
    [TestCase("--agent waf=/tmp/y --listen reverse=/tmp/x", "listener reverse:x waits for agents, but none registers itself")]
    public async Task WrongUse_IsOneLineAndExitCodeTwo(string flags, string expected)
    {
        await using var daemon = SidecarCommand.Start(["run", .. flags.Split(' ')]);
        Assert.That(await daemon.WaitForExitAsync(), Is.EqualTo(2));
        await Eventually.TrueAsync(() => daemon.Output.Length > 0, Limit, "the output");
        Assert.That(daemon.Output, Does.Contain(expected).And.Not.Contain("\n"));
    }

    [TestCase("--listen /tmp/a --reverse /tmp/b", "give either --listen PATH")]
    [TestCase("--id x", "give either --listen PATH")]
    [TestCase("--listen /tmp/a --connections 2", "--token-file and --connections are of --reverse")]
    [TestCase("--reverse /tmp/a --connections 65", "--connections: 65 is above 64 connections; give 1 to 64")]
    [TestCase("--reverse /tmp/a --token-file /no/such/file", "--token-file /no/such/file cannot be read")]
    public async Task WrongUseOfTheDemoAgent_IsOneLineAndExitCodeTwo(string flags, string expected)
    {
        await using var agent = SidecarCommand.Start(["agent", "demo", .. flags.Split(' ')]);
        Assert.That(await agent.WaitForExitAsync(), Is.EqualTo(2));
        await Eventually.TrueAsync(() => agent.Output.Length > 0, Limit, "the output");
        Assert.That(agent.Output, Does.Contain(expected).And.Not.Contain("\n"));
    }

    private Task<ChildProcess> StartDaemonAsync(string keys = "") => SidecarCommand.StartDaemonAsync(
        "--agent", "waf=reverse:,timeout=30s",
        "--listen", $"reverse={_directory.Socket("reverse")},token-file={TokenFile()},max-per-agent=2{keys}",
        "--listen", $"native={_directory.Socket("native")},budget=30s");

    private ChildProcess StartAgent() => SidecarCommand.Start(
        "agent", "demo", "--reverse", _directory.Socket("reverse"), "--token-file", AgentTokenFile(), "--connections", "2", "--id", "waf",
        "--block-path", "attack");

    private ReverseAgentOptions Options(string token) => new()
    {
        AgentId = "waf",
        SocketPath = _directory.Socket("reverse"),
        AuthToken = token,
        Connections = 2,
        Capabilities = new AgentCapabilities { AgentId = "waf", Name = "WAF", Version = "1", Features = new AgentFeatures { ConcurrentRequests = 64 } },
    };

    private string TokenFile() => Write("tokens", $"# of agents\nwaf {Token}\n");

    private string AgentTokenFile() => Write("token", Token + "\n");

    private string Write(string name, string text)
    {
        var path = _directory.File(name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    // Each question is an exchange of its own; a daemon answers 503 until its agent is there.
    private async Task AskUntilAsync(int status)
    {
        await using var client = await NativeClient.ConnectAsync(_directory.Socket("native"));
        var id = 0ul;
        await Eventually.TrueAsync(
            async () =>
            {
                var answer = await client.AskAsync(TestEvents.Headers((int)++id) with { Uri = "/attack" });
                return answer.Decision is BlockDecision block && block.Status == status;
            },
            Limit,
            string.Create(CultureInfo.InvariantCulture, $"answer {status}"));
    }
}
