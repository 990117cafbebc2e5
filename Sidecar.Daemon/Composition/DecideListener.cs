using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Daemon.Composition;

/// <summary>The http listener for scripts with what answers on it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of what it owns.")]
internal sealed class DecideListener : IListener
{
    private readonly KestrelListener _listener;
    private readonly DecisionService _service;
    private readonly Mirror _mirror;
    private readonly JsonFrontEnd _application;

    public DecideListener(
        JsonListenerOptions options, KestrelListener listener, Inspector inspector, Func<IReadOnlyList<string>> missingAgents, ILoggerFactory loggers,
        IExchangeRelay? relay)
    {
        Name = options.Name;
        _listener = listener;
        _service = new DecisionService(options, inspector, loggers.CreateLogger<DecisionService>(), relay);
        _mirror = new Mirror(options, _service, loggers.CreateLogger<Mirror>());
        _application = new JsonFrontEnd(options, _service, _mirror, missingAgents, loggers.CreateLogger<JsonFrontEnd>());
    }

    public string Name { get; }

    public Task StartAsync(CancellationToken cancellation) => _listener.StartAsync<IFeatureCollection>(_application, cancellation);

    public void Supersede()
    {
        _service.Exchanges.Supersede();
        _listener.Leave();
    }

    public void Unlink() => _listener.Unlink();

    public async Task DrainAsync(CancellationToken timeIsUp)
    {
        await _service.Exchanges.DrainAsync(timeIsUp).ConfigureAwait(false);
        await _listener.DrainAsync(timeIsUp).ConfigureAwait(false);
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        await _listener.StopAsync(cancellation).ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await _mirror.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
        _service.Dispose();
    }
}
