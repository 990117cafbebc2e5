using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.FrontEnds.Json;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon;

/// <summary>The http listener for scripts with what answers on it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of what it owns.")]
internal sealed class JsonDoor : IDaemonListener
{
    private readonly KestrelListener _listener;
    private readonly Decider _decider;
    private readonly Mirror _mirror;
    private readonly JsonFrontEnd _application;

    public JsonDoor(
        JsonListenerOptions options, KestrelListener listener, Inspector inspector, Func<IReadOnlyList<string>> missingAgents, ILoggerFactory loggers, IExchangeRelay? relay)
    {
        Name = options.Name;
        _listener = listener;
        _decider = new Decider(options, inspector, loggers.CreateLogger<Decider>(), relay);
        _mirror = new Mirror(options, _decider, loggers.CreateLogger<Mirror>());
        _application = new JsonFrontEnd(options, _decider, _mirror, missingAgents, loggers.CreateLogger<JsonFrontEnd>());
    }

    public string Name { get; }

    public Task StartAsync(CancellationToken cancellation) => _listener.StartAsync<IFeatureCollection>(_application, cancellation);

    public void Supersede()
    {
        _decider.Exchanges.Supersede();
        _listener.Leave();
    }

    public async Task DrainAsync(CancellationToken timeIsUp)
    {
        await _decider.Exchanges.DrainAsync(timeIsUp).ConfigureAwait(false);
        await _listener.DrainAsync(timeIsUp).ConfigureAwait(false);
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        await _listener.StopAsync(cancellation).ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await _mirror.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
        _decider.Dispose();
    }
}
