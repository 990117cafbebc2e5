using System.Globalization;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>No signal but TERM, INT and KILL ends a process of ours: tools send the others to daemons by habit.</summary>
[Category("EndToEnd")]
internal sealed class SignalTests
{
    private static readonly (int Number, string Line)[] Harmless =
    [
        (1, "there is no file to reload"),
        (10, "SIGUSR1: there are no log files to reopen"),
        (12, "SIGUSR2 means nothing here"),
        (3, "SIGQUIT means nothing here"),
        (14, "SIGALRM means nothing here"),
        (30, "SIGPWR means nothing here"),
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
        var ignored = IgnoredBy(process.Id);
        foreach (var (number, line) in Harmless)
        {
            await process.SignalAsync($"-{number}");

            // A shell's background job has QUIT ignored from its start, and so have all below it: then there is nothing to tell.
            if ((ignored & (1UL << (number - 1))) == 0)
            {
                await process.WaitForAsync(line);
            }
        }

        Assert.That(process.HasExited, Is.False);
    }

    // The mask of proc(5), a bit for each signal from 1 on.
    private static ulong IgnoredBy(int process)
    {
        const string Field = "SigIgn:";
        var line = File.ReadLines($"/proc/{process}/status").Single(static line => line.StartsWith(Field, StringComparison.Ordinal));
        return ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
