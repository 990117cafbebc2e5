using System.Buffers;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Listeners.Registration;
using Sidecar.Tests.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The daemon's log as a process writes it: nobody who does not read it, and nobody whose text it has, can do harm by it.</summary>
[Category("EndToEnd")]
internal sealed class DaemonLogTests
{
    // What the queue takes and what a pipe takes, three times.
    private const int Questions = 3 * (2500 + 500);
    private const int Callers = 8;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    [Test]
    public async Task LogThatNobodyReads_HoldsUpNoRequest_AndSaysWhatItLeftOut()
    {
        using var directory = new TempDirectory();
        var socket = directory.Socket("json");
        using var daemon = Start("--route", "all,agents=none", "--listen", $"http={socket},proxy=json");
        using var client = UnixHttp.Client(socket);
        await Eventually.TrueAsync(async () => await AskAsync(client) is not null, Limit, "the listener");
        var answered = 0;

        // Each is refused as malformed, and a line of the log says so.
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            for (var i = 0; i < Questions / Callers; i++)
            {
                Assert.That(await AskAsync(client), Does.Contain("malformed"));
                Interlocked.Increment(ref answered);
            }
        }));

        Assert.That(answered, Is.EqualTo(Questions));
        daemon.Read();
        await Eventually.TrueAsync(
            async () =>
            {
                await AskAsync(client);
                return daemon.Text.Contains("dropped because of queue size limit", StringComparison.Ordinal);
            },
            Limit,
            "the count of lines that were left out");

        // The count goes to the other output, so it may come in the middle of a line of this one.
        Assert.That(daemon.Text, Does.Match("[1-9][0-9]{2,} message\\(s\\) dropped"));
        await daemon.EndAsync();
    }

    /// <summary>The server below us warns of each with a stack, before anybody has shown a secret.</summary>
    [Test]
    public async Task BrokenHeaderBlocks_FillNoLog()
    {
        using var directory = new TempDirectory();
        var socket = directory.Socket("envoy");
        using var daemon = Start("--route", "all,agents=none", "--listen", $"envoy={socket}", "--listen", $"http={directory.Socket("json")},proxy=json");
        using var client = UnixHttp.Client(directory.Socket("json"));
        daemon.Read();
        await Eventually.TrueAsync(async () => await AskAsync(client) is not null, Limit, "the listener");

        // The preface, SETTINGS, and HEADERS whose block is the indexed field 0, which is none.
        byte[] broken = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 5, 0, 0, 0, 1, 0x80];
        for (var i = 0; i < 300; i++)
        {
            using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket));
            await using var stream = new NetworkStream(connection);
            await stream.WriteAsync(broken);
            await stream.CopyToAsync(Stream.Null).WaitAsync(Limit);
        }

        // Whoever asks for the details of debugging wants them all.
        var lines = daemon.Text.Split('\n').Where(static line => !line.Contains(" dbug: ", StringComparison.Ordinal)).ToList();
        Assert.That(lines, Has.Count.LessThan(30), daemon.Text);
        Assert.That(lines.Sum(static line => line.Length), Is.LessThan(10_000));
        await daemon.EndAsync();
    }

    [Test]
    public async Task TextOfAPeer_ControlsNoTerminalAndForgesNoLine_WhicheverWayItComes()
    {
        using var directory = new TempDirectory();
        await using var refusing = Agent("refusing", static agent => agent.RefuseAsync(Evil("handshake-error")));
        await using var named = Agent(
            "named",
            static agent => agent.AcceptAsync(capabilities: ScriptedAgent.Capable() with { Name = Evil("agent-name"), Version = Evil("agent-version") }));
        await using var sick = Agent("sick", static async agent =>
        {
            await agent.AcceptAsync();
            await agent.SendHealthAsync(new HealthStatus { State = HealthState.Degraded, Message = Evil("health-message"), TimeoutMultiplier = 2 });
            await agent.SendHealthAsync(new HealthStatus { State = HealthState.Unhealthy, UnhealthyReason = Evil("unhealthy-reason") });
            await UpdateAsync(agent, new ConfigError(Evil("config-error"), Evil("field")));
            await UpdateAsync(agent, new RestartRequired(Evil("restart-required"), 1));
            await UpdateAsync(agent, new ListUpdate(Evil("list-id"), [], []));
            await UpdateAsync(agent, new RuleUpdate(Evil("rule-set"), [], []));
        });
        string[] agents = ["refusing", "named", "sick"];
        using var daemon = Start(
        [
            .. agents.SelectMany(id => (string[])["--agent", $"{id}={directory.Socket(id)},connections=1"]), "--agent", "waf=reverse:",
            "--listen", $"reverse={directory.Socket("reverse")}", "--listen", $"native={directory.Socket("native")}",
            "--listen", $"spop={directory.Socket("spop")}", "--listen", $"http={directory.Socket("json")},proxy=json",
        ]);
        daemon.Read();
        await Eventually.TrueAsync(() => daemon.Text.Contains("is up", StringComparison.Ordinal), Limit, "the start");

        using (var stranger = await AgentPeer.ConnectAsync(directory.Socket("reverse")))
        {
            var request = ReverseRig.Request(Evil("agent-id"), Evil("token"));
            await stranger.SendAsync(MessageType.HandshakeRequest, AnyMessage.Write(Sidecar.Protocol.Encodings.MessageEncodings.Json, request));
            await stranger.ReadAsync();
        }

        await using (var proxy = await NativeClient.ConnectAsync(directory.Socket("native")))
        {
            await proxy.AskAsync(Events.Request("1", "/"));
        }

        using (var native = await AgentPeer.ConnectAsync(directory.Socket("native")))
        {
            var hello = new HandshakeRequest
            {
                SupportedVersions = [ProtocolConstants.Version],
                ProxyId = Evil("proxy-id"),
                ProxyVersion = Evil("proxy-version"),
                SupportedEncodings = ["json"],
            };
            await native.SendAsync(MessageType.HandshakeRequest, AnyMessage.Write(Sidecar.Protocol.Encodings.MessageEncodings.Json, hello));
            await native.ReadAsync();
        }

        await SendAsync(directory.Socket("spop"), SpopProxy.HelloFrame(
            ("supported-versions", "2.0"), ("max-frame-size", SpopProxy.DefaultMaxFrameSize), ("capabilities", "pipelining"),
            ("engine-id", Evil("engine-id"))));
        await SendAsync(directory.Socket("spop"), [.. SpopProxy.HelloFrame(), .. SpopProxy.DisconnectFrame(0, Evil("disconnect"))]);
        using var client = UnixHttp.Client(directory.Socket("json"));
        await AskAsync(client, Evil("tx"));

        string[] told =
        [
            "handshake-error", "agent-name", "agent-version", "health-message", "unhealthy-reason", "config-error", "restart-required", "list-id", "rule-set",
            "agent-id", "proxy-id", "proxy-version", "engine-id", "disconnect", "tx",
        ];
        await Eventually.TrueAsync(
            () => Array.TrueForAll(told, name => daemon.Text.Contains($"evil-{name}", StringComparison.Ordinal)),
            Limit,
            "every text; missing: " + string.Join(", ", told.Where(name => !daemon.Text.Contains($"evil-{name}", StringComparison.Ordinal))));
        await daemon.EndAsync();
        Assert.That(daemon.Text.Where(static c => c != '\n' && PeerText.Clean(c.ToString()) != c.ToString() && !char.IsSurrogate(c)), Is.Empty);
        Assert.That(daemon.Text.Split('\n').Where(static line => line.StartsWith("forged", StringComparison.Ordinal)), Is.Empty);

        ScriptedAgentListener Agent(string id, Func<ScriptedAgent, Task> script)
        {
            var listener = new ScriptedAgentListener(directory.Socket(id)) { OnAccepted = script };
            listener.Start();
            return listener;
        }
    }

    private static string Evil(string name) => $"evil-{name}\u001b[2J\r\nforged \u001b]0;x\u0007\u009b31m\u202e\u2028end";

    private static Daemon Start(params IEnumerable<string> flags)
    {
        var command = SidecarCommand.Line(["run", "--verbose", .. flags]);
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return new Daemon(Process.Start(start)!);
    }

    private static async Task UpdateAsync(ScriptedAgent agent, ConfigUpdate update)
    {
        var payload = new ArrayBufferWriter<byte>();
        agent.Encoding.WriteConfigUpdate(payload, new ConfigUpdateRequest { Update = update, RequestId = "1" });
        await agent.SendAsync(MessageType.ConfigUpdateRequest, payload.WrittenMemory);
    }

    private static async Task SendAsync(string path, byte[] bytes)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await socket.SendAsync(bytes);
        Assert.That(await socket.ReceiveAsync(new byte[1024]).WaitAsync(Limit, TimeProvider.System), Is.GreaterThan(0));
    }

    // A request whose target no request has; null while nobody listens.
    private static async Task<string?> AskAsync(HttpClient client, string tx = "t")
    {
        var question = new System.Text.Json.Nodes.JsonObject
        {
            ["v"] = 1,
            ["tx"] = tx,
            ["phase"] = "request_headers",
            ["request"] = new System.Text.Json.Nodes.JsonObject
            {
                ["method"] = "GET",
                ["authority"] = "shop.example",
                ["path"] = "no path",
                ["headers"] = new System.Text.Json.Nodes.JsonArray(),
            },
        };
        using var content = new StringContent(question.ToJsonString(), Encoding.UTF8, "application/json");
        try
        {
            using var answer = await client.PostAsync(new Uri("http://localhost/v1/decide"), content);
            return await answer.Content.ReadAsStringAsync();
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException)
        {
            return null;
        }
    }

    /// <summary>A daemon of whose output nothing is read until it is said, and then every char as it comes. It never outlives the test.</summary>
    private sealed class Daemon(Process process) : IDisposable
    {
        private readonly StringBuilder _text = new();
        private Task _reading = Task.CompletedTask;

        public string Text
        {
            get
            {
                lock (_text)
                {
                    return _text.ToString();
                }
            }
        }

        public void Read() => _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));

        public Task EndAsync()
        {
            process.Kill();
            return _reading.WaitAsync(Limit, TimeProvider.System);
        }

        public void Dispose()
        {
            process.Kill();
            process.Dispose();
        }

        private async Task ReadAsync(StreamReader reader)
        {
            var buffer = new char[4096];
            for (int read; (read = await reader.ReadAsync(buffer)) > 0;)
            {
                lock (_text)
                {
                    _text.Append(buffer, 0, read);
                }
            }
        }
    }
}
