using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Hosting;

/// <summary>
/// How long the host lives: until SIGTERM or SIGINT. The framework's own lifetime would stop it on SIGQUIT too, and leave the other signals to kill it.
/// </summary>
internal sealed partial class SignalLifetime(IHostApplicationLifetime application, ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    private ProcessSignals? _signals;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _signals = new ProcessSignals(application.StopApplication, line => LogSignal(logger, line));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Not at the stop: a second signal must not cut short what the first began.
    public void Dispose() => _signals?.Dispose();

    [LoggerMessage(4, LogLevel.Information, "sidecar: {Line}")]
    private static partial void LogSignal(ILogger logger, string line);
}
