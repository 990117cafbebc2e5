using System.Collections.Concurrent;
using NUnit.Framework;
using Sidecar.Tests.EndToEnd.Attacks;
using Sidecar.Tests.EndToEnd.Traefik;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A daemon that listens at an address is replaced under load, and nobody notices.</summary>
[Category("EndToEnd")]
internal sealed class AddressTakeoverTests
{
    private const int Clients = 8;

    /// <summary>Asked as Traefik asks, over kept connections and over new ones.</summary>
    [Test]
    public async Task TakeoverUnderLoad_LosesNoQuestion_AndThePredecessorEndsByItself([Values] bool keepsConnections)
    {
        using var files = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"), Stack.AgentFlags);
        var listener = RealTraefik.Listener(files);
        var statuses = await TakeOverTwiceAsync(files, listener, async _ =>
        {
            using var client = new HttpClient(
                new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = keepsConnections ? Timeout.InfiniteTimeSpan : TimeSpan.Zero });
            using var question = RealTraefik.Question(files, "/hello");
            using var answer = await client.SendAsync(question);
            return (int)answer.StatusCode;
        });

        Assert.That(statuses.Where(static one => one.Key != 200), Is.Empty);
    }

    [Test]
    public async Task Traefik_NoticesNoTakeover()
    {
        await RealTraefik.RequireAsync();
        using var files = new TempDirectory();
        await using var origin = new AttackOrigin();
        await using var agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"), Stack.AgentFlags);
        var listener = RealTraefik.Listener(files);
        await using var traefik = await RealTraefik.StartAsync(files, origin.Port);
        var statuses = await TakeOverTwiceAsync(files, listener, async _ => (await RawHttp.SendAsync(traefik.Port, "GET /hello HTTP/1.1")).Status);

        Assert.That(statuses.Where(static one => one.Key != 200), Is.Empty);
    }

    [Test]
    public async Task SecondDaemonThatMayNotTakeOver_IsRefused()
    {
        using var files = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"), Stack.AgentFlags);
        string[] flags = ["--agent", $"demo={files.Socket("agent")}", "--listen", RealTraefik.Listener(files)];
        await using var first = await SidecarCommand.StartDaemonAsync(flags);
        await using var second = SidecarCommand.Start(["run", .. flags]);

        Assert.That(await second.WaitForExitAsync(), Is.EqualTo(1));
        Assert.That(second.Output, Does.Contain("in use"));
    }

    // How often each status came, by clients that never pause; -1 for no answer.
    private static async Task<IReadOnlyDictionary<int, int>> TakeOverTwiceAsync(TempDirectory files, string listener, Func<int, Task<int>> askAsync)
    {
        string[] flags = ["--agent", $"demo={files.Socket("agent")}", "--listen", listener];
        var daemon = await SidecarCommand.StartDaemonAsync(flags);
        var statuses = new ConcurrentDictionary<int, int>();
        try
        {
            await daemon.WaitForAsync("agent demo is reachable");
            using var stopping = new CancellationTokenSource();
            var clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
            {
                while (!stopping.IsCancellationRequested)
                {
                    var status = await AskAsync(askAsync, client);
                    statuses.AddOrUpdate(status, 1, static (_, count) => count + 1);
                }
            }, CancellationToken.None)));
            for (var i = 0; i < 2; i++)
            {
                await GrowsAsync(statuses);
                var next = await SidecarCommand.StartDaemonAsync([.. flags, "--takeover", "--wait-for-agents"]);
                var (before, exit) = (daemon, daemon.WaitForExitAsync());
                daemon = next;
                await GrowsAsync(statuses);
                Assert.That(await exit, Is.Zero, () => before.Output);
                await before.DisposeAsync();
                await GrowsAsync(statuses);
            }

            await stopping.CancelAsync();
            await clients;
            await TestContext.Out.WriteLineAsync(string.Join(", ", statuses.Select(static one => $"{one.Value} x {one.Key}")));
            return statuses;
        }
        finally
        {
            await daemon.DisposeAsync();
        }
    }

    private static async Task<int> AskAsync(Func<int, Task<int>> askAsync, int client)
    {
        try
        {
            return await askAsync(client);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            await TestContext.Out.WriteLineAsync(e.Message);
            return -1;
        }
    }

    private static Task GrowsAsync(ConcurrentDictionary<int, int> statuses)
    {
        var goal = statuses.Values.Sum() + 200;
        return Eventually.TrueAsync(() => statuses.Values.Sum() >= goal, TimeSpan.FromMinutes(2), "200 more answers");
    }
}
