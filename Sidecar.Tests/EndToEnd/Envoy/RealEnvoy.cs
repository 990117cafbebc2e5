using System.Globalization;
using System.Text.RegularExpressions;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>A real, unmodified Envoy with a ready configuration of scripts/envoy; only ports, paths and times are the test's own.</summary>
internal sealed class RealEnvoy : IAsyncDisposable
{
    // Without a limit of connections it warns of that.
    private const string Limit =
        "overload_manager: { resource_monitors: [ { name: envoy.resource_monitors.global_downstream_max_connections, typed_config: "
        + "{ \"@type\": type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, "
        + "max_active_downstream_connections: 10000 } } ] }";

    private readonly ChildProcess _process;
    private readonly TempDirectory _directory;
    private readonly LoopbackPort _port;
    private readonly HttpClient _admin;

    private RealEnvoy(ChildProcess process, TempDirectory directory, LoopbackPort port)
    {
        (_process, _directory, _port) = (process, directory, port);
        _admin = UnixHttp.Client(directory.Socket("admin"));
    }

    /// <summary>Where clients ask, on loopback.</summary>
    public int Port => _port.Number;

    /// <summary>All that it logged, its access log included.</summary>
    public string Log => _process.Output;

    /// <summary>What it warned of.</summary>
    public IReadOnlyList<string> Warnings => [
        .. Log.Split('\n').Where(static line => line.Contains("][warning]", StringComparison.Ordinal) || line.Contains("][error]", StringComparison.Ordinal))];

    /// <summary>Where Envoy is; without it the calling test is not run. Ask before anything is started.</summary>
    public static Task<string> RequireAsync() => SharedPeer.RequireAsync("envoy");

    /// <summary>What the ready configurations of ext_proc say of failing open, done.</summary>
    public static string FailingOpen(string text) => Regex.Replace(text, "(?m)^(?<indent> +)#(?<text>-|  )", "${indent}${text}", RegexOptions.None, TimeSpan.FromSeconds(10))
        .Replace("failure_mode_allow: false", "failure_mode_allow: true", StringComparison.Ordinal);

    /// <summary>What they say of bodies that are to pass too.</summary>
    public static string Buffering(string text) => text.Replace("FULL_DUPLEX_STREAMED", "BUFFERED", StringComparison.Ordinal)
        .Replace("trailer_mode: SEND", "trailer_mode: SKIP", StringComparison.Ordinal);

    /// <summary>Starts it; when it returns, requests are taken.</summary>
    /// <param name="sidecarSocket">Where the sidecar listens.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="file">The ready configuration.</param>
    /// <param name="isPatient">Waits for the sidecar for a minute instead of a fifth of a second.</param>
    /// <param name="edit">What the test changes besides.</param>
    public static async Task<RealEnvoy> StartAsync(string sidecarSocket, int originPort, string file, bool isPatient = true, Func<string, string>? edit = null)
    {
        var program = await RequireAsync();
        var directory = new TempDirectory();
        var port = new LoopbackPort();
        var text = (await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "envoy", file)))
            .Replace("/run/sidecar/envoy.sock", sidecarSocket, StringComparison.Ordinal)
            .Replace("port_value: 8080", $"port_value: {port.Number}", StringComparison.Ordinal)
            .Replace("port_value: 8081", $"port_value: {originPort}", StringComparison.Ordinal);
        text = isPatient
            ? text.Replace("timeout: 0.2s", "timeout: 60s", StringComparison.Ordinal)
                .Replace("timeout: 0.5s", "timeout: 60s", StringComparison.Ordinal)
                .Replace("max_message_timeout: 2s", "max_message_timeout: 60s", StringComparison.Ordinal)
                .Replace("connect_timeout: 0.1s", "connect_timeout: 30s", StringComparison.Ordinal)
            : text;
        text = edit?.Invoke(text) ?? text;
        await File.WriteAllTextAsync(directory.File("envoy.yaml"), $"admin: {{ address: {{ pipe: {{ path: {directory.Socket("admin")} }} }} }}\n{Limit}\n{text}");

        var envoy = new RealEnvoy(
            ChildProcess.Start(program, "--config-path", directory.File("envoy.yaml"), "--concurrency", "1", "--disable-hot-restart"), directory, port);
        try
        {
            await envoy._process.WaitForAsync("all dependencies initialized. starting workers");

            // It is the workers who listen, a moment later.
            await Eventually.TrueAsync(() => envoy._process.HasExited || port.Accepts(), TimeSpan.FromSeconds(60), "Envoy accepts connections");
            return envoy;
        }
        catch
        {
            await envoy.DisposeAsync();
            throw;
        }
    }

    /// <summary>Calls <c>/test.Service/Method</c> as a client of gRPC that is not ours.</summary>
    /// <param name="pattern">Of EndToEnd/Node/grpc_caller.js.</param>
    /// <param name="message">What each message says.</param>
    /// <param name="act">The header <c>x-act</c>.</param>
    /// <returns>The status, and what came back or was said about it.</returns>
    public Task<string> CallAsync(string pattern, string message, string act = "") =>
        PeerScript.PlayAsync(GrpcPeer.Node, "grpc_caller", $"127.0.0.1:{Port}", pattern, message, act);

    /// <summary>One of its counters or gauges, for example <c>http.shop.ext_proc.streams_started</c>.</summary>
    public async Task<long> StatAsync(string name)
    {
        var page = await _admin.GetStringAsync(new Uri("http://envoy/stats"));
        return long.Parse(page.Split('\n').Single(line => line.StartsWith($"{name}: ", StringComparison.Ordinal)).Split(": ")[1], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _process.DisposeAsync();
        _port.Dispose();
        _directory.Dispose();
    }
}
