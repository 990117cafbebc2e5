using System.Diagnostics;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A real, unmodified HAProxy with a ready configuration of scripts/haproxy; only ports and paths are the test's own.</summary>
internal sealed class HaproxyServer : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly TempDirectory _directory;
    private readonly LoopbackPort _port;
    private bool _isStopped;

    private HaproxyServer(ChildProcess process, TempDirectory directory, LoopbackPort port)
    {
        (_process, _directory, _port) = (process, directory, port);
    }

    public int Port => _port.Number;

    /// <summary>Everything it logged: requests, the SPOE filter, warnings.</summary>
    public string Log => _process.Output;

    /// <summary>Lines of the SPOE filter about the groups, each with its status.</summary>
    public IReadOnlyList<string> SpoeLines => [.. Log.Split('\n').Where(static line => line.Contains("SPOE: [", StringComparison.Ordinal))];

    /// <summary>Starts HAProxy.</summary>
    /// <param name="server">The address of the sidecar as HAProxy writes it, for example <c>unix@/path</c>.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="file">The ready configuration.</param>
    /// <param name="patient">Waits for the sidecar for a minute instead of 200 ms.</param>
    /// <param name="edit">What the test changes besides.</param>
    public static async Task<HaproxyServer> StartAsync(
        string server, int originPort, string file = "haproxy.cfg", bool patient = true, Func<string, string>? edit = null)
    {
        var directory = new TempDirectory();
        var port = new LoopbackPort();
        foreach (var source in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "haproxy")))
        {
            var text = File.ReadAllText(source)
                .Replace("/etc/haproxy/", directory.FullPath + "/", StringComparison.Ordinal)
                .Replace("unix@/run/sidecar/spop.sock", server, StringComparison.Ordinal)
                .Replace("127.0.0.1:8080", $"127.0.0.1:{port.Number}", StringComparison.Ordinal)
                .Replace("127.0.0.1:8081", $"127.0.0.1:{originPort}", StringComparison.Ordinal);
            text = patient
                ? text.Replace("timeout      processing 200ms", "timeout      processing 60s", StringComparison.Ordinal)
                    .Replace("timeout      hello      500ms", "timeout      hello      30s", StringComparison.Ordinal)

                    // A check that is answered late would take the sidecar out; one that is refused still does.
                    .Replace("timeout connect 100ms", "timeout connect 30s\n    timeout check   60s", StringComparison.Ordinal)
                : text;
            File.WriteAllText(directory.File(Path.GetFileName(source)), edit is null ? text : edit(text));
        }

        var process = PeerPrograms.Start("haproxy", "-W", "-db", "-f", directory.File(file));
        var haproxy = new HaproxyServer(process, directory, port);
        await Eventually.TrueAsync(() => process.HasExited || port.Accepts(), TimeSpan.FromSeconds(60), "HAProxy accepts connections");
        Assert.That(process.HasExited, Is.False, () => $"HAProxy ended: {process.Output}");
        return haproxy;
    }

    /// <summary>Starts new workers and lets the old ones finish, as <c>systemctl reload haproxy</c> does.</summary>
    public async Task ReloadAsync()
    {
        using var kill = Process.Start("/bin/kill", ["-USR2", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_isStopped)
        {
            return;
        }

        _isStopped = true;

        // The master ends its workers; a kill would leave them.
        await _process.StopAsync();
        await _process.DisposeAsync();
        _port.Dispose();
        _directory.Dispose();
    }
}
