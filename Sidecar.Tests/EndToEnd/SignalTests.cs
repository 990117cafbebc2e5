using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>No signal but TERM, INT and KILL ends a process of ours: tools send the others to daemons by habit.</summary>
[Category("EndToEnd")]
internal sealed class SignalTests
{
    private static readonly (string Signal, string Line)[] Harmless =
    [
        ("-HUP", "SIGHUP: there is no file to reload"),
        ("-USR1", "SIGUSR1: there are no log files to reopen"),
        ("-USR2", "SIGUSR2 means nothing here"),
        ("-QUIT", "SIGQUIT means nothing here"),
        ("-ALRM", "SIGALRM means nothing here"),
        ("-PWR", "SIGPWR means nothing here"),
    ];

    [Test]
    public async Task Daemon_IsNeverEndedByASignalThatMeansNoStop()
    {
        using var files = new TempDirectory();
        await using var daemon = await SidecarCommand.StartDaemonAsync("--listen", $"admin={files.Socket("admin")}");

        await SurvivesAsync(daemon);

        Assert.That(await AdminMetrics.SumAsync(files.Socket("admin"), "sidecar_exchanges_received_total"), Is.Zero, "it serves");
        Assert.That(await daemon.StopAsync(), Is.Zero);
    }

    [Test]
    public async Task Agent_IsNeverEndedByASignalThatMeansNoStop()
    {
        using var files = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"));

        await SurvivesAsync(agent);

        Assert.That(await agent.StopAsync(), Is.Zero);
    }

    private static async Task SurvivesAsync(ChildProcess process)
    {
        foreach (var (signal, line) in Harmless)
        {
            await process.SignalAsync(signal);
            await process.WaitForAsync(line);
        }

        Assert.That(process.HasExited, Is.False);
    }
}
