using Sidecar.Tests.EndToEnd.Envoy;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.RealAgents;

/// <summary>A published agent behind the daemon behind a real proxy with its ready configuration, and an upstream that tells what it saw.</summary>
internal sealed class RealAgentStack : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly List<IAsyncDisposable> _parts = [];

    private RealAgentStack(RealAgentKind kind) => Kind = kind;

    public RealAgentKind Kind { get; }

    public RealAgent Agent { get; private set; } = null!;

    public OriginServer Origin { get; private set; } = null!;

    /// <summary>Where clients ask.</summary>
    public int Port { get; private set; }

    /// <summary>The daemon's native listener.</summary>
    public string NativeSocket => _directory.Socket("native");

    /// <summary>Starts all of it; without a program that it takes, the calling test is not run.</summary>
    /// <param name="kind">The agent.</param>
    /// <param name="proxy">nginx, envoy, or none for the native listener alone.</param>
    public static async Task<RealAgentStack> StartAsync(RealAgentKind kind, string proxy)
    {
        if (proxy == "envoy")
        {
            await RealEnvoy.RequireAsync();
        }

        var stack = new RealAgentStack(kind);
        try
        {
            await stack.StartAsync(proxy);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a request as a client would.</summary>
    public Task<RawAnswer> SendAsync(RealAgentCase request) => request.Body is { } body
        ? RawHttp.SendBodyAsync(Port, request.Request, body, isChunked: false, request.Headers)
        : RawHttp.SendAsync(Port, request.Request, request.Headers);

    /// <summary>Sends it, and fails unless that becomes of it which is to.</summary>
    public async Task CheckAsync(RealAgentCase request) => request.Check(await SendAsync(request));

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_directory.Socket("admin"), name, labels);

    /// <summary>Pushes a configuration to the agent; what the command says and how it ends.</summary>
    public async Task<(int Code, string Text)> PushAsync(string configuration)
    {
        await File.WriteAllTextAsync(_directory.File("push.json"), configuration);
        await using var push = SidecarCommand.Start("agents", "push", "real", "--file", _directory.File("push.json"), "--admin", _directory.Socket("admin"));
        return (await push.WaitForExitAsync(), push.Output);
    }

    /// <summary>Waits until the daemon has all its connections to the agent.</summary>
    public Task ConnectedAsync() => Eventually.TrueAsync(
        async () => await MetricAsync("sidecar_agent_healthy_connections", "agent=\"real\"") == 4, TimeSpan.FromSeconds(60), "all connections to the agent");

    public async ValueTask DisposeAsync()
    {
        foreach (var part in Enumerable.Reverse(_parts))
        {
            await part.DisposeAsync();
        }

        _directory.Dispose();
    }

    private async Task StartAsync(string proxy)
    {
        _parts.Add(Agent = await RealAgent.StartAsync(Kind));
        _parts.Add(Origin = await OriginServer.StartAsync());
        var configuration = "";
        if (Kind.Configuration is { } text)
        {
            await File.WriteAllTextAsync(_directory.File("agent.json"), text);
            configuration = $",config-file={_directory.File("agent.json")}";
        }

        _parts.Add(await SidecarCommand.StartDaemonAsync(
            "--agent", $"real={Agent.Endpoint}{Kind.Keys}{configuration}",
            "--listen", $"frames={_directory.Socket("frames")}",
            "--listen", $"envoy={_directory.Socket("envoy")}",
            "--listen", $"native={NativeSocket}",
            "--listen", $"admin={_directory.Socket("admin")}"));
        await ConnectedAsync();
        if (proxy == "nginx")
        {
            var nginx = await NginxServer.StartAsync(
                "nginx-lua.conf", Origin.Port, "", "", file => ScriptStack.Change(file, _directory, new ScriptStackSetup()));
            _parts.Add(nginx);
            Port = nginx.Port;
        }
        else if (proxy == "envoy")
        {
            var envoy = await RealEnvoy.StartAsync(_directory.Socket("envoy"), Origin.Port, "envoy-ext-proc-responses.yaml");
            _parts.Add(envoy);
            Port = envoy.Port;
        }
    }
}
