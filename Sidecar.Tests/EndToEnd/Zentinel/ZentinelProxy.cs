using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Zentinel;

/// <summary>The reference's own proxy, with the daemon as its agent; where it stands beside the checkout.</summary>
internal sealed class ZentinelProxy : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly TempDirectory _directory;
    private readonly LoopbackPort _port;

    private ZentinelProxy(ChildProcess process, TempDirectory directory, LoopbackPort port) => (_process, _directory, _port) = (process, directory, port);

    /// <summary>Where clients ask, on loopback.</summary>
    public int Port => _port.Number;

    /// <summary>Where it is; without it the calling test is not run. Ask before anything is started.</summary>
    public static Task<string> RequireAsync() => SharedPeer.RequireAsync("zentinel-proxy");

    /// <summary>Starts it; when it returns, requests are taken. It asks the daemon about requests, their bodies and the responses.</summary>
    /// <param name="socket">The daemon's native listener.</param>
    /// <param name="originPort">The upstream, on loopback.</param>
    /// <param name="bodyMode">How it hands over request bodies.</param>
    /// <param name="events">What it asks about.</param>
    public static async Task<ZentinelProxy> StartAsync(
        string socket, int originPort, string bodyMode = "buffer", string events = "\"request_headers\" \"request_body\" \"response_headers\"")
    {
        var program = await RequireAsync();
        var directory = new TempDirectory();
        var port = new LoopbackPort();
        await File.WriteAllTextAsync(directory.File("zentinel.kdl"), $$"""
            system { worker-threads 1; }
            listeners { listener "http" { address "127.0.0.1:{{port.Number}}"; protocol "http"; } }
            routes {
                route "all" {
                    matches { path-prefix "/"; }
                    upstream "origin"
                    filters "sidecar"
                }
            }
            upstreams { upstream "origin" { target "127.0.0.1:{{originPort}}"; } }
            filters { filter "sidecar" { type "agent"; agent "sidecar"; failure-mode "closed"; } }
            agents {
                agent "sidecar" type="custom" {
                    unix-socket path="{{socket}}"
                    events {{events}}
                    timeout-ms 50000
                    request-body-mode "{{bodyMode}}"
                    circuit-breaker { failure-threshold 5; success-threshold 1; timeout-seconds 1; }
                    config { paranoia-level 2; }
                }
            }
            observability { metrics { enabled #false; }; }
            """);
        var proxy = new ZentinelProxy(ChildProcess.Start(program, "run", "-c", directory.File("zentinel.kdl")), directory, port);
        try
        {
            await Eventually.TrueAsync(port.Accepts, TimeSpan.FromSeconds(60), "the proxy to listen");
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _port.Dispose();
        _directory.Dispose();
    }
}
