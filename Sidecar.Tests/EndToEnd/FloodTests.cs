using System.Globalization;
using NUnit.Framework;
using Sidecar.Daemon.Hosting;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Crowds of connections that say nothing, on every kind of listener: the daemon lives, its other listeners answer, and it is as before when they go.
/// </summary>
[Category("EndToEnd")]
[NonParallelizable]
internal sealed class FloodTests
{
    private const int Silent = 20_000;

    // What the daemon itself and one listener's peers need besides.
    private const int Spare = 1_000;

    [Test]
    public async Task RunningShortOfDescriptors_NeverKillsTheDaemon_NorSilencesItsOtherListeners()
    {
        await using var daemon = await EveryListener.StartAsync(256);
        Assert.That(daemon.Daemon.Output, Does.Contain("sidecar: the limit of open files is 256: the connections of listeners are bounded to"));
        foreach (var flooded in EveryListener.Kinds)
        {
            await using (await daemon.FloodAsync(flooded, 400))
            {
                foreach (var other in EveryListener.Kinds.Where(other => other != flooded))
                {
                    await daemon.AssertAnswersAsync(other);
                }
            }

            await daemon.AssertAnswersAsync(flooded);
        }

        Assert.That(
            Directory.GetDirectories($"/proc/{daemon.Daemon.Id}/task"), Has.Length.AtLeast(ThreadReserve.Threads), "threads that need no descriptor any more");
        Assert.That(await daemon.Daemon.StopAsync(), Is.Zero);
        var paused = daemon.Daemon.Output.Split('\n').Count(static line => line.Contains("as many as it takes", StringComparison.Ordinal));
        Assert.That(paused, Is.InRange(1, 40), "said, and at a pace");
    }

    [Test]
    public async Task ThousandsOfSilentConnections_CostNextToNothing_AndNobodyElseNoticesThem(
        [ValueSource(typeof(EveryListener), nameof(EveryListener.Kinds))] string flooded)
    {
        // 20,000, or as many as the machine lets a process have.
        var limit = Math.Min(DescriptorLimit.Read().Hard, Silent + Spare);
        var each = limit - Spare;
        await using var daemon = await EveryListener.StartAsync(limit, kind => kind == flooded ? each + 100 : 20);
        foreach (var kind in EveryListener.Kinds)
        {
            await daemon.AssertAnswersAsync(kind);
        }

        var id = daemon.Daemon.Id;
        var (descriptors, memory) = (DescriptorsOf(id), daemon.Daemon.MemoryOf("VmRSS"));
        await using (var flood = await daemon.FloodAsync(flooded, each))
        {
            var held = DescriptorsOf(id) - descriptors;
            var grown = daemon.Daemon.MemoryOf("VmRSS") - memory;
            var busy = await BusyShareAsync(id, TimeSpan.FromSeconds(3));
            var kept = DescriptorsOf(id) - descriptors;
            TestContext.Out.WriteLine(FormattableString.Invariant(
                $"{flooded}: {each} opened, {held} held ({kept} 3 s later); resident memory {grown / 1024:N0} KiB more; {busy:P1} of a core while they wait"));

            // A silent connection costs 2 to 3 KiB; what the collector has not given back yet is the rest.
            Assert.That(grown, Is.LessThan((each * 8L * 1024) + (64L * 1024 * 1024)), $"memory with {held} connections");
            Assert.That(busy, Is.LessThan(0.5), $"share of a core with {held} connections");
            Assert.That(flood.Output, Does.Contain($"open: {each}"));
            foreach (var other in EveryListener.Kinds)
            {
                await daemon.AssertAnswersAsync(other);
            }
        }

        await daemon.AssertAnswersAsync(flooded);
        Assert.That(await daemon.Daemon.StopAsync(), Is.Zero);
    }

    [TestCase(",max-connections=1000", 2, "sidecar: the limit of open files is 400, but at least 1265 are needed")]
    [TestCase("", 0, "sidecar: the limit of open files is 400: the connections of listeners are bounded to http:h 135;")]
    public async Task LimitOfOpenFilesThatIsTooLow_IsSaidByCheckToo(string bound, int exitCode, string said)
    {
        using var directory = new TempDirectory();
        await using var check = SidecarCommand.Start(
            400, ["run", "--check", "--agent", $"demo={directory.Socket("agent")}", "--listen", $"http={directory.Socket("h")},proxy=caddy{bound}"]);
        Assert.That(await check.WaitForExitAsync(), Is.EqualTo(exitCode), check.Output);
        Assert.That(check.Output, Does.StartWith(said));
    }

    private static int DescriptorsOf(int process) => Directory.GetFiles($"/proc/{process}/fd").Length;

    // The share of one core that a process uses in the time to come.
    private static async Task<double> BusyShareAsync(int process, TimeSpan window)
    {
        var (clock, ticks) = (TimeProvider.System.GetTimestamp(), TicksOf(process));
        await Task.Delay(window, TimeProvider.System);
        return (TicksOf(process) - ticks) / 100.0 / TimeProvider.System.GetElapsedTime(clock).TotalSeconds;
    }

    // Of user and kernel, in hundredths of a second (proc(5)).
    private static long TicksOf(int process)
    {
        var fields = File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }
}
