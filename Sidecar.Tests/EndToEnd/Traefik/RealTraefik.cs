using System.Runtime.CompilerServices;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>A real, unmodified Traefik with the ready configuration of scripts/traefik; only ports and paths are the test's own.</summary>
internal sealed class RealTraefik : IAsyncDisposable
{
    private const string Secret = "K7cX0mQyT1uVb2Nw";

    // Tells that the routers are there, and asks nobody.
    private const string Probe = """
        up:
          entryPoints: [web]
          rule: "Path(`/-/up`)"
          priority: 100
          service: ping@internal

      middlewares:
        sidecar:
    """;

    // Where the sidecar of a folder listens, also while it is away.
    private static readonly ConditionalWeakTable<TempDirectory, LoopbackPort> Ports = [];

    private readonly ChildProcess _process;
    private readonly TempDirectory _directory;
    private readonly LoopbackPort _port;

    private RealTraefik(ChildProcess process, TempDirectory directory, LoopbackPort port) => (_process, _directory, _port) = (process, directory, port);

    /// <summary>Where clients ask, on loopback.</summary>
    public int Port => _port.Number;

    /// <summary>All that it logged, its access log included.</summary>
    public string Log => _process.Output;

    /// <summary>Where Traefik is; without it the calling test is not run. Ask before anything is started.</summary>
    public static Task<string> RequireAsync() => SharedPeer.RequireAsync("traefik");

    /// <summary>What the daemon's <c>--listen</c> says, with the secret in a file.</summary>
    /// <param name="files">Where that file is.</param>
    /// <param name="keys">Further keys.</param>
    public static string Listener(TempDirectory files, string keys = "")
    {
        File.WriteAllText(files.File("secret"), Secret);
        File.SetUnixFileMode(files.File("secret"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return $"http=127.0.0.1:{PortOf(files)},proxy=traefik,secret-file={files.File("secret")}{keys}";
    }

    /// <summary>A question to that listener about a request.</summary>
    public static HttpRequestMessage Question(TempDirectory files, string target)
    {
        var question = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{PortOf(files)}/v1/forward-auth"));
        question.Headers.Add("X-Sidecar-Secret", Secret);
        question.Headers.Add("X-Forwarded-Method", "GET");
        question.Headers.Add("X-Forwarded-Uri", target);
        question.Headers.Add("X-Forwarded-Host", "shop.example");
        question.Headers.Add("X-Forwarded-For", "192.0.2.7");
        return question;
    }

    /// <summary>Forwards bodies, as the ready configuration has it behind comments.</summary>
    public static string ForwardingBodies(string dynamic) => dynamic
        .Replace("# forwardBody: true", "forwardBody: true", StringComparison.Ordinal)
        .Replace("# maxBodySize: 1048576", "maxBodySize: 1048576", StringComparison.Ordinal);

    /// <summary>Adds a setting to forwardAuth.</summary>
    public static string Asking(string dynamic, string setting) =>
        dynamic.Replace("trustForwardHeader: false", $"trustForwardHeader: false\n        {setting}", StringComparison.Ordinal);

    /// <summary>Starts it; when it returns, requests are taken.</summary>
    /// <param name="files">That of the listener.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="edit">What the test changes in the dynamic file.</param>
    /// <param name="editStatic">What it changes in the static one.</param>
    public static async Task<RealTraefik> StartAsync(
        TempDirectory files, int originPort, Func<string, string>? edit = null, Func<string, string>? editStatic = null)
    {
        var program = await RequireAsync();
        var directory = new TempDirectory();
        var port = new LoopbackPort();
        var folder = Path.Combine(AppContext.BaseDirectory, "traefik");
        var dynamic = (await File.ReadAllTextAsync(Path.Combine(folder, "dynamic.yml")))
            .Replace("127.0.0.1:9000", $"127.0.0.1:{PortOf(files)}", StringComparison.Ordinal)
            .Replace("127.0.0.1:8081", $"127.0.0.1:{originPort}", StringComparison.Ordinal)
            .Replace("  middlewares:\n    sidecar:\n", Probe.TrimStart('\n') + "\n", StringComparison.Ordinal);
        var text = (await File.ReadAllTextAsync(Path.Combine(folder, "traefik.yml")))
            .Replace("127.0.0.1:8080", $"127.0.0.1:{port.Number}", StringComparison.Ordinal)
            .Replace("filename: dynamic.yml", $"filename: {directory.File("dynamic.yml")}", StringComparison.Ordinal) + "\nping:\n  manualRouting: true\n";
        await File.WriteAllTextAsync(directory.File("dynamic.yml"), edit?.Invoke(dynamic) ?? dynamic);
        await File.WriteAllTextAsync(directory.File("traefik.yml"), editStatic?.Invoke(text) ?? text);

        var process = ChildProcess.Start("/usr/bin/env", $"SIDECAR_SECRET={Secret}", program, $"--configFile={directory.File("traefik.yml")}");
        var traefik = new RealTraefik(process, directory, port);
        try
        {
            await Eventually.TrueAsync(
                async () => process.HasExited || (port.Accepts() && (await RawHttp.SendAsync(port.Number, "GET /-/up HTTP/1.1")).Status == 200),
                TimeSpan.FromSeconds(60),
                "Traefik takes requests");
            Assert.That(process.HasExited, Is.False, () => $"Traefik ended: {process.Output}");
            return traefik;
        }
        catch
        {
            await traefik.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _port.Dispose();
        _directory.Dispose();
    }

    private static int PortOf(TempDirectory files) => Ports.GetValue(files, static _ => new LoopbackPort()).Number;
}
