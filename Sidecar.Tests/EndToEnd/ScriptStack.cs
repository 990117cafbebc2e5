using System.Text.Json;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Everything as in production: nginx with a script that shows bodies, the daemon as a process of its own, an agent, and an upstream that tells what
/// it saw.
/// </summary>
internal sealed class ScriptStack : IAsyncDisposable
{
    /// <summary>What the demo agent finds in bodies.</summary>
    public const string Attack = "DROP TABLE";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory;
    private readonly LambdaAgent? _played;
    private readonly ChildProcess? _agent;
    private readonly LoopbackPort _http2Port;
    private readonly string[] _daemonFlags;

    private ScriptStack(
        TempDirectory directory, OriginServer origin, string[] daemonFlags, ChildProcess daemon, NginxServer nginx, LoopbackPort http2Port,
        LambdaAgent? played, ChildProcess? agent)
    {
        _daemonFlags = daemonFlags;
        (_directory, _played, _agent, _http2Port) = (directory, played, agent, http2Port);
        (Origin, Daemon, Nginx) = (origin, daemon, nginx);
    }

    public OriginServer Origin { get; }

    public ChildProcess Daemon { get; private set; }

    public NginxServer Nginx { get; }

    public int Port => Nginx.Port;

    /// <summary>Speaks HTTP/2 without TLS.</summary>
    public int Http2Port => _http2Port.Number;

    public static Task<ScriptStack> StartAsync(NginxScript script) => StartAsync(script, new ScriptStackSetup());

    public static async Task<ScriptStack> StartAsync(NginxScript script, ScriptStackSetup setup)
    {
        var directory = new TempDirectory();
        var origin = await OriginServer.StartAsync();
        var agent = await StartAgentAsync(setup, directory.Socket("agent"));
        string[] flags =
        [
            "--agent", $"demo={directory.Socket("agent")},timeout={setup.AgentTimeout},body-timeout={setup.AgentTimeout}{setup.AgentKeys}",
            "--listen", $"http={directory.Socket("json")},proxy=json,budget=50s",
            "--listen", $"frames={directory.Socket("frames")},budget=50s",
            "--listen", $"admin={directory.Socket("admin")}",
        ];
        var daemon = await SidecarCommand.StartDaemonAsync(flags);
        if (setup.HasAgent)
        {
            await daemon.WaitForAsync("agent demo is reachable");
        }

        var http2Port = new LoopbackPort();
        var nginx = await NginxServer.StartAsync(
            script == NginxScript.Lua ? "nginx-lua.conf" : "nginx-njs.conf", origin.Port, $"        listen 127.0.0.1:{http2Port.Number} http2;",
            setup.Http, text => Change(text, directory, setup));
        return new ScriptStack(directory, origin, flags, daemon, nginx, http2Port, setup.Agent, agent);
    }

    /// <summary>Starts another daemon, with the same flags, that takes over from this one.</summary>
    /// <returns>The one it takes over from; the caller disposes of it.</returns>
    public async Task<ChildProcess> TakeOverAsync()
    {
        var old = Daemon;
        Daemon = await SidecarCommand.StartDaemonAsync([.. _daemonFlags, "--takeover", "--wait-for-agents"]);
        await Daemon.WaitForAsync("agent demo is reachable");
        return old;
    }

    /// <summary>What the upstream was sent: headers, and <c>:target</c>, <c>:method</c>, <c>:body</c>.</summary>
    public static Dictionary<string, string> Seen(RawAnswer answer) =>
        new(JsonSerializer.Deserialize<Dictionary<string, string>>(answer.Body)!, StringComparer.OrdinalIgnoreCase);

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_directory.Socket("admin"), name, labels);

    /// <summary>Waits until so many exchanges have ended in a state.</summary>
    public Task EndedAsync(string state, string cause, long count) => Eventually.TrueAsync(
        async () => await MetricAsync("sidecar_exchanges_total", $"state=\"{state}\"", $"cause=\"{cause}\"") == count, Limit,
        $"{count} exchanges {state} for {cause}");

    /// <summary>Waits for a line of nginx's access log.</summary>
    public Task LoggedAsync(params string[] texts) => Eventually.TrueAsync(
        () => Nginx.AccessLog.Split('\n').Any(line => texts.All(text => line.Contains(text, StringComparison.Ordinal))), Limit,
        $"a line with {string.Join(" and ", texts)} in the access log");

    /// <summary>The connections that nginx holds to the daemon, by inode. Sockets show the temporary names under which they were bound.</summary>
    public IReadOnlySet<string> Connections()
    {
        const string Connected = "03";
        return File.ReadLines("/proc/net/unix")
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length == 8 && fields[5] == Connected && fields[7].StartsWith(_directory.FullPath, StringComparison.Ordinal)
                && (fields[7].Contains("json", StringComparison.Ordinal) || fields[7].Contains("frames", StringComparison.Ordinal)))
            .Select(static fields => fields[6]).ToHashSet(StringComparer.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await Nginx.DisposeAsync();
        _http2Port.Dispose();
        await Daemon.DisposeAsync();
        if (_agent is not null)
        {
            await _agent.DisposeAsync();
        }

        if (_played is not null)
        {
            await _played.DisposeAsync();
        }

        await Origin.DisposeAsync();
        _directory.Dispose();
    }

    private static async Task<ChildProcess?> StartAgentAsync(ScriptStackSetup setup, string path)
    {
        if (setup.Agent is { } played)
        {
            await played.StartAsync(path);
            return null;
        }

        return setup.HasAgent ? await SidecarCommand.StartAgentAsync(path, [.. Stack.AgentFlags, "--block-body", Attack]) : null;
    }

    /// <summary>The ready configuration with the sockets and the patience of a test.</summary>
    public static string Change(string text, TempDirectory directory, ScriptStackSetup setup)
    {
        text = text.Replace("/run/sidecar/frames.sock", directory.Socket("frames"), StringComparison.Ordinal)
            .Replace("/run/sidecar/json.sock", directory.Socket("json"), StringComparison.Ordinal);
        text = setup.IsPatient
            ? text.Replace(" 500ms;", " 60s;", StringComparison.Ordinal)
                .Replace(" 100ms;", " 60s;", StringComparison.Ordinal)
                .Replace("ANSWER_MS = 500", "ANSWER_MS = 60000", StringComparison.Ordinal)
                .Replace("answer_ms = 500", "answer_ms = 60000", StringComparison.Ordinal)
                .Replace("connect_ms = 100", "connect_ms = 60000", StringComparison.Ordinal)
            : text;
        return setup.FailsOpen
            ? text.Replace("fail_open = false })", "fail_open = true })", StringComparison.Ordinal)
                .Replace("$sidecar_fail_open 0;", "$sidecar_fail_open 1;", StringComparison.Ordinal)
            : text;
    }
}
