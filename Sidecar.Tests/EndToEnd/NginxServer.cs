using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A real, unmodified nginx with the ready configuration of scripts/nginx; only ports and paths are the test's own.</summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly TempDirectory _directory;
    private readonly LoopbackPort _port;

    private NginxServer(ChildProcess process, TempDirectory directory, LoopbackPort port)
    {
        (_process, _directory, _port) = (process, directory, port);
    }

    public int Port => _port.Number;

    public string ErrorLog => File.Exists(_directory.File("error.log")) ? File.ReadAllText(_directory.File("error.log")) : "";

    public string AccessLog => File.ReadAllText(_directory.File("access.log"));

    /// <summary>Starts nginx.</summary>
    /// <param name="sidecarSocket">Where the sidecar listens.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="failOpen">The variant that lets requests pass while the sidecar cannot be asked.</param>
    /// <param name="locations">Further locations of the protected server.</param>
    /// <param name="http">Further lines of the http level.</param>
    public static Task<NginxServer> StartAsync(string sidecarSocket, int originPort, bool failOpen = false, string locations = "", string http = "") =>
        StartAsync("nginx.conf", originPort, locations, http, text => Change(text, sidecarSocket, failOpen));

    /// <summary>The ready configuration with the socket and the patience of a test.</summary>
    public static string Change(string text, string sidecarSocket, bool failOpen)
    {
        text = text.Replace("/run/sidecar/http.sock", sidecarSocket, StringComparison.Ordinal);

        // No time of the ready configuration may run out because the machine is busy.
        text = text.Replace(" 500ms;", " 60s;", StringComparison.Ordinal).Replace(" 100ms;", " 60s;", StringComparison.Ordinal);
        return failOpen ? text.Replace("include         sidecar-check.conf", "include         sidecar-check-fail-open.conf", StringComparison.Ordinal) : text;
    }

    /// <summary>Starts nginx with one of the ready configurations.</summary>
    /// <param name="configuration">Its file name.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="locations">Further lines of the protected server.</param>
    /// <param name="http">Further lines of the http level.</param>
    /// <param name="change">What else is the test's own in each file, scripts included.</param>
    public static async Task<NginxServer> StartAsync(string configuration, int originPort, string locations, string http, Func<string, string> change)
    {
        var directory = new TempDirectory();
        var port = new LoopbackPort();
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "nginx")))
        {
            var text = change(File.ReadAllText(file))
                .Replace("/etc/nginx/sidecar", directory.FullPath, StringComparison.Ordinal)
                .Replace("127.0.0.1:8080", $"127.0.0.1:{port.Number}", StringComparison.Ordinal)
                .Replace("127.0.0.1:8081", $"127.0.0.1:{originPort}", StringComparison.Ordinal)
                .Replace("        location / {", $"{locations}\n        location / {{", StringComparison.Ordinal)
                .Replace("    server_tokens       off;", $"    server_tokens       off;\n{http}", StringComparison.Ordinal);
            File.WriteAllText(directory.File(Path.GetFileName(file)), text);
        }

        // Started by root, nginx gives its workers to another user, who may not enter the test's directory.
        var user = Environment.UserName == "root" ? " user root;" : "";
        var process = PeerPrograms.Start(
            "nginx", "-p", directory.FullPath, "-e", "error.log", "-c", directory.File(configuration), "-g", $"daemon off;{user}");
        var server = new NginxServer(process, directory, port);
        await Eventually.TrueAsync(() => process.HasExited || port.Accepts(), TimeSpan.FromSeconds(60), "nginx accepts connections");
        Assert.That(process.HasExited, Is.False, () => $"nginx ended: {process.Output}\n{server.ErrorLog}");
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        // Its workers end with it only when it is asked to stop.
        await _process.StopAsync();
        await _process.DisposeAsync();
        _port.Dispose();
        _directory.Dispose();
    }
}
