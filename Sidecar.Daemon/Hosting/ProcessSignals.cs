using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Hosting;

/// <summary>
/// What the process does on signals: TERM and INT stop it in order, HUP reloads, and no other that can be caught ends it. Safe from any thread.
/// </summary>
/// <remarks>
/// Operators' tools send HUP and USR1 to daemons by habit (log rotation, reloads, a terminal that closes); by default each would kill.
/// </remarks>
internal sealed class ProcessSignals : IDisposable
{
    // By number, as signal(7) lists them for Linux; the runtime knows the rest by name.
    private const PosixSignal User1 = (PosixSignal)10;
    private const PosixSignal User2 = (PosixSignal)12;

    // What else would end the process by default, and is nobody's way to stop it.
    private static readonly (PosixSignal Signal, string Name)[] Others =
    [
        (PosixSignal.SIGQUIT, "SIGQUIT"), ((PosixSignal)14, "SIGALRM"), ((PosixSignal)26, "SIGVTALRM"), ((PosixSignal)27, "SIGPROF"),
        ((PosixSignal)29, "SIGIO"), ((PosixSignal)30, "SIGPWR"),
    ];

    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Catches them from now on.</summary>
    /// <param name="stop">Called at every TERM and INT.</param>
    /// <param name="say">Takes a line for the log.</param>
    /// <param name="reload">Called at every HUP; null for a process that has nothing to reload.</param>
    public ProcessSignals(Action stop, Action<string> say, Action? reload = null)
    {
        On(PosixSignal.SIGTERM, stop);
        On(PosixSignal.SIGINT, stop);
        On(PosixSignal.SIGHUP, reload ?? (() => say("SIGHUP: there is no file to reload")));
        On(User1, () => say("SIGUSR1: there are no log files to reopen; the log goes to standard output"));
        On(User2, () => say("SIGUSR2 means nothing here and is ignored"));
        foreach (var (signal, name) in Others)
        {
            On(signal, () => say($"{name} means nothing here and is ignored; SIGTERM stops in order"));
        }
    }

    /// <summary>The signals have their default effect again.</summary>
    public void Dispose() => _registrations.ForEach(static registration => registration.Dispose());

    private void On(PosixSignal signal, Action then) => _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        then();
    }));
}

/// <summary>
/// How long the host lives: until SIGTERM or SIGINT. The framework's own lifetime would stop it on SIGQUIT too, and leave the other signals
/// to kill it.
/// </summary>
/// <param name="application">Is stopped.</param>
/// <param name="reload">Begins a reload and does not wait for it.</param>
/// <param name="logger">Is told of signals that mean nothing.</param>
internal sealed partial class SignalLifetime(
    IHostApplicationLifetime application, Action reload, ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    private ProcessSignals? _signals;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _signals = new ProcessSignals(application.StopApplication, line => LogSignal(logger, line), reload);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Not at the stop: a second signal must not cut short what the first began.
    public void Dispose() => _signals?.Dispose();

    [LoggerMessage(4, LogLevel.Information, "sidecar: {Line}")]
    private static partial void LogSignal(ILogger logger, string line);
}
