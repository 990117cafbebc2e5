using Microsoft.AspNetCore.Hosting.Server;
using Sidecar.Daemon.Hosting;

namespace Sidecar.Daemon;

/// <summary>An HTTP listener with what answers on it.</summary>
internal sealed class KestrelDoor<TContext>(string name, KestrelListener listener, IHttpApplication<TContext> application) : IDaemonListener
    where TContext : notnull
{
    public string Name => name;

    public Task StartAsync(CancellationToken cancellation) => listener.StartAsync(application, cancellation);

    public async Task StopAsync(CancellationToken cancellation)
    {
        await listener.StopAsync(cancellation).ConfigureAwait(false);
        await listener.DisposeAsync().ConfigureAwait(false);
    }
}
