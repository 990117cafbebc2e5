using System.CommandLine;
using System.ComponentModel;
using System.Net.Sockets;
using Sidecar.Daemon.Cli.Bench;
using Sidecar.Daemon.Connections;

namespace Sidecar.Daemon.Cli;

/// <summary><c>sidecar bench</c>: loads an agent, or a daemon's native listener, and says what it bears.</summary>
internal static class BenchCommand
{
    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("bench", "Load an agent or a daemon and measure");
        BenchFlags.AddTo(command);
        command.SetAction((result, cancellation) => RunAsync(result, output, errors, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, TextWriter output, TextWriter errors, CancellationToken cancellation)
    {
        if (BenchFlags.WrongUse(result) is { } problem)
        {
            await errors.WriteLineAsync($"sidecar: {problem} (see 'sidecar bench --help')").ConfigureAwait(false);
            return ExitCodes.WrongUse;
        }

        try
        {
            if (result.GetValue(BenchFlags.Pin) is { } pin && CpuPin.TryParse(pin, out var cpus))
            {
                CpuPin.Apply(cpus);
            }

            if (result.GetValue(BenchFlags.Echo) is { } echo)
            {
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                var serving = EchoServer.RunAsync(echo, stop.Token);
                await Signals.WaitForStopAsync(cancellation).ConfigureAwait(false);
                await stop.CancelAsync().ConfigureAwait(false);
                await serving.ConfigureAwait(false);
                return ExitCodes.Ok;
            }

            var run = new BenchRun(BenchFlags.Bind(result), TimeProvider.System);
            await using (run.ConfigureAwait(false))
            {
                var measured = await run.RunAsync(cancellation).ConfigureAwait(false);
                await output.WriteLineAsync(
                    result.GetValue(BenchFlags.Json) ? BenchReport.AsJson(measured) : BenchReport.AsTable(measured)).ConfigureAwait(false);
                return measured.Done.Messages > 0 ? ExitCodes.Ok : ExitCodes.Failed;
            }
        }
        catch (Win32Exception e) when (e is not SocketException)
        {
            await errors.WriteLineAsync(
                $"sidecar: --pin {result.GetValue(BenchFlags.Pin)}: {e.Message}; nproc says how many CPUs there are").ConfigureAwait(false);
            return ExitCodes.WrongUse;
        }
        catch (Exception e) when (e is AgentUnreachableException or SocketException or IOException)
        {
            await errors.WriteLineAsync($"sidecar: {e.Message}").ConfigureAwait(false);
            return e is AgentUnreachableException ? ExitCodes.DaemonNotRunning : ExitCodes.Failed;
        }
    }
}
