using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Which Caddyfile a test runs.</summary>
internal enum CaddySetup
{
    /// <summary>The ready one as it stands.</summary>
    Ready,

    /// <summary>The ready one with its snippet for failing open.</summary>
    FailOpen,

    /// <summary>Caddy's own directive and nothing else.</summary>
    ShortForm,
}

/// <summary>A real, unmodified Caddy; only ports, paths and timeouts of the configuration are the test's own.</summary>
internal sealed class CaddyServer : IAsyncDisposable
{
    private const string ShortForm = """
        {
            admin off
        }
        http://:8080 {
            bind 127.0.0.1
            forward_auth unix//run/sidecar/http.sock {
                uri /v1/forward-auth
                copy_headers X-User X-Client-Secret X-Sidecar-Id X-Sidecar-Bypassed
                transport http {
                    keepalive off
                }
            }
            reverse_proxy 127.0.0.1:8081
        }
        """;

    private readonly ChildProcess _process;
    private readonly TempDirectory _directory;
    private readonly LoopbackPort _port;

    private CaddyServer(ChildProcess process, TempDirectory directory, LoopbackPort port)
    {
        (_process, _directory, _port) = (process, directory, port);
    }

    public int Port => _port.Number;

    public string AccessLog => Log("access.log");

    public string ErrorLog => Log("error.log");

    public static async Task<CaddyServer> StartAsync(
        string sidecarSocket, int originPort, CaddySetup setup = CaddySetup.Ready, Func<string, string>? change = null)
    {
        var directory = new TempDirectory();
        var port = new LoopbackPort();
        var text = setup == CaddySetup.ShortForm ? ShortForm : await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "caddy", "Caddyfile"));
        if (setup == CaddySetup.FailOpen)
        {
            var site = text.LastIndexOf("\nhttp://", StringComparison.Ordinal);
            text = text[..site] + text[site..].Replace("import sidecar-fail-closed", "import sidecar-fail-open", StringComparison.Ordinal);
        }

        text = text.Replace("/run/sidecar/http.sock", sidecarSocket, StringComparison.Ordinal)
            .Replace("http://:8080", $"http://:{port.Number}", StringComparison.Ordinal)
            .Replace("127.0.0.1:8081", $"127.0.0.1:{originPort}", StringComparison.Ordinal)
            .Replace("dial_timeout 100ms", "dial_timeout 10s", StringComparison.Ordinal)
            .Replace("response_header_timeout 500ms", "response_header_timeout 30s", StringComparison.Ordinal)
            .Replace("output file ", $"output file {directory.FullPath}/", StringComparison.Ordinal);
        await File.WriteAllTextAsync(directory.File("Caddyfile"), change?.Invoke(text) ?? text);
        var process = PeerPrograms.StartWith(
            [$"XDG_CONFIG_HOME={directory.FullPath}", $"XDG_DATA_HOME={directory.FullPath}"], "caddy", "run", "--config", directory.File("Caddyfile"));
        await Eventually.TrueAsync(() => process.HasExited || port.Accepts(), TimeSpan.FromSeconds(60), "Caddy accepts connections");
        Assert.That(process.HasExited, Is.False, () => $"Caddy ended: {process.Output}");
        return new CaddyServer(process, directory, port);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _port.Dispose();
        _directory.Dispose();
    }

    private string Log(string name) => File.Exists(_directory.File(name)) ? File.ReadAllText(_directory.File(name)) : "";
}
