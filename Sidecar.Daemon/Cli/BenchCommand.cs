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
            return await errors.FailAsync(ExitCodes.WrongUse, $"{problem} (see 'sidecar bench --help')");
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
                await Signals.WaitForStopAsync(cancellation);
                await stop.CancelAsync();
                await serving;
                return ExitCodes.Ok;
            }

            await using var run = new BenchRun(BenchFlags.Bind(result), TimeProvider.System);
            var measured = await run.RunAsync(cancellation);
            await output.WriteLineAsync(result.GetValue(BenchFlags.Json) ? BenchReport.AsJson(measured) : BenchReport.AsTable(measured));
            return measured.Done.Messages > 0 ? ExitCodes.Ok : ExitCodes.Failed;
        }
        catch (Win32Exception e) when (e is not SocketException)
        {
            return await errors.FailAsync(
                ExitCodes.WrongUse, $"--pin {result.GetValue(BenchFlags.Pin)}: {e.Message}; nproc says how many CPUs there are");
        }
        catch (Exception e) when (e is AgentUnreachableException or SocketException or IOException)
        {
            return await errors.FailAsync(e is AgentUnreachableException ? ExitCodes.DaemonNotRunning : ExitCodes.Failed, e.Message);
        }
    }
}
