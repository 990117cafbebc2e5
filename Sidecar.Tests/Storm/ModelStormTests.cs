using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Storm;

/// <summary>A thousand changes of a running daemon under 64 clients: nobody is refused, nothing that stays the same is touched, and nothing is left.</summary>
[NonParallelizable]
public sealed class ModelStormTests
{
    private const int Clients = 64;
    private const int Changes = 1000;
    private const int WarmUp = 300;

    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly Explanations _explanations = new();

    [Test]
    public async Task Changes_UnderLoad_FailNoExchange_TouchNothingElse_AndLeaveNothing()
    {
        var said = Environment.GetEnvironmentVariable("SIDECAR_TEST_SEED");
        var seed = int.TryParse(said, CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        TestContext.Out.WriteLine($"SIDECAR_TEST_SEED={seed}");
        using var directory = new TempDirectory();
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var (models, clock) = (new RandomModels(new Random(seed), directory), new CountingTimeProvider());
        var agents = Enumerable.Range(0, RandomModels.Places).Select(number => AgentAt(models.PlaceOf(number))).ToList();
        await Task.WhenAll(agents.Select(static agent => agent.StartAsync()));
        using var daemon = new DaemonBuilder
        {
            Configuration = models.First,
            Meters = services.GetRequiredService<IMeterFactory>(),
            Loggers = NullLoggerFactory.Instance,
            Time = clock,
            Observers = [_explanations],
        }.Build();
        _explanations.Add(daemon.Current.Model);
        daemon.Publisher.StartAgents();
        daemon.Listeners.Create(models.First);
        await daemon.Listeners.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => daemon.Publisher.Agents.All(static agent => agent.IsAvailable), ScriptedAgent.Limit, "all agents");
        var kept = daemon.Publisher.Agents.Single(static agent => agent.Id == RandomModels.Keep);
        var connections = kept.Connections.ToList();

        var before = Count(clock);

        // Once through everything, so that what is made once does not count as memory that grows.
        await RunAsync(daemon, models, WarmUp);
        await ReturnAsync(daemon, models);
        before.Memory = Count(clock).Memory;
        await RunAsync(daemon, models, Changes);
        await ReturnAsync(daemon, models);

        Assert.That(_wrong.Take(20), Is.Empty);
        var counts = daemon.Inspector.Counts.Read();
        TestContext.Out.WriteLine($"model {daemon.Current.Model.Generation}: {counts.Sum(static row => row.Received)} exchanges");
        Assert.That(counts.Where(static row => row.Of(LedgerState.Inspected) != row.Received), Is.Empty);
        Assert.That(kept.Connections, Is.EquivalentTo(connections), "an agent that never changed has the connections that it had");
        Assert.That(_explanations.Unexplained(), Is.Empty, "exchanges that their generation does not explain");
        await Eventually.TrueAsync(
            () => Count(clock) is var now && now.Sockets <= before.Sockets && now.Timers <= before.Timers, ScriptedAgent.Limit, $"no more than {before}");
        var after = Count(clock);
        TestContext.Out.WriteLine($"before {before}, after {after}");
        Assert.That(after.Memory, Is.LessThan(before.Memory + (4 * 1024 * 1024)), "memory");

        await daemon.Listeners.StopAsync(TimeSpan.FromSeconds(1), CancellationToken.None);
        await daemon.AbortAsync();
        await Task.WhenAll(agents.Select(static agent => agent.DisposeAsync().AsTask()));
    }

    private static AgentServer AgentAt(string path)
    {
        var agent = new TestAgent(Path.GetFileName(path)) { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) };
        const int Workers = AgentConnectionOptions.MostWorkers;
        return new AgentServer(
            agent, new AgentServerOptions { SocketPath = path, Capabilities = agent.Capabilities, Workers = Workers }, NullLoggerFactory.Instance);
    }

    private async Task RunAsync(Daemon.Composition.Daemon daemon, RandomModels models, int changes)
    {
        using var over = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(number => Task.Run(() => number % 2 == 0
            ? AskNativelyAsync(daemon, number, over.Token) : AskByHttpAsync(daemon, number, over.Token), CancellationToken.None)).ToList();
        for (var i = 0; i < changes && _wrong.IsEmpty; i++)
        {
            var change = "";
            var problems = await daemon.Publisher.UpdateAsync(
                now =>
                {
                    (change, var next) = models.Next(now);
                    return next;
                },
                CancellationToken.None);
            _explanations.Add(daemon.Current.Model);
            daemon.Exporter.Render(new ArrayBufferWriter<byte>());
            foreach (var problem in problems)
            {
                _wrong.Enqueue($"{change}: {problem}");
            }
        }

        await over.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(ScriptedAgent.Limit, TimeProvider.System, CancellationToken.None);
    }

    // Everything that a change has made superfluous ends by itself.
    private async Task ReturnAsync(Daemon.Composition.Daemon daemon, RandomModels models)
    {
        await daemon.Publisher.UpdateAsync(_ => models.First, CancellationToken.None);
        _explanations.Add(daemon.Current.Model);
        await Eventually.TrueAsync(() => !daemon.Publisher.IsDraining, ScriptedAgent.Limit, "the end of all drains");
    }

    // Of descriptors only sockets: the runtime keeps files of what it has loaded, whenever it does.
    private static (int Sockets, int Timers, long Memory) Count(CountingTimeProvider clock) => (
        Directory.GetFileSystemEntries("/proc/self/fd").Count(static file => new FileInfo(file).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true),
        clock.ActiveTimers, GC.GetTotalMemory(forceFullCollection: true));

    private async Task AskNativelyAsync(Daemon.Composition.Daemon daemon, int number, CancellationToken over)
    {
        await using var client = await NativeClient.ConnectAsync(daemon.Current.Model.Configuration.Listeners[0].Path);
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            var id = $"{number}-{Guid.NewGuid():N}";
            var answer = await client.CallAsync(Events.Request(id, $"/r{i % 6}/x"));
            if (answer.Response?.Decision is not Protocol.Messages.AllowDecision)
            {
                _wrong.Enqueue($"native: {answer.Outcome} {answer.Detail} {string.Join(' ', answer.Response?.Audit.ReasonCodes ?? [])}");
            }

            await client.CallAsync(Events.Complete(id));
        }
    }

    // A client of listeners that come and go: whoever does not let it in any more is left for another.
    private async Task AskByHttpAsync(Daemon.Composition.Daemon daemon, int number, CancellationToken over)
    {
        for (var i = number; !over.IsCancellationRequested; i++)
        {
            var listeners = daemon.Current.Model.Configuration.Listeners;
            using var client = UnixHttp.Client(listeners[1 + (i % (listeners.Count - 1))].Path);
            for (var j = 0; j < 20 && !over.IsCancellationRequested; j++)
            {
                var question = $$$"""{"phase":"request","complete":true,"request":{"method":"GET","path":"/r{{{(i + j) % 6}}}/x","headers":[["host","h"],["x-session","{{{number}}}"]]}}""";
                try
                {
                    using var content = new StringContent(question, Encoding.UTF8, "application/json");
                    using var response = await client.PostAsync(new Uri("http://sidecar/v1/decide"), content, CancellationToken.None);
                    var text = await response.Content.ReadAsStringAsync(CancellationToken.None);
                    if (!text.Contains("\"allow\"", StringComparison.Ordinal))
                    {
                        _wrong.Enqueue($"http: {response.StatusCode} {text[..60]} … {text[^300..]}");
                    }
                }
                catch (HttpRequestException e) when (
                    e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.AddressNotAvailable })
                {
                    break;
                }
                catch (HttpRequestException e)
                {
                    _wrong.Enqueue($"http: {e}");
                }
            }
        }
    }
}

/// <summary>What each generation of the model says of routes, agents and versions, and which exchanges it does not explain.</summary>
internal sealed class Explanations : IExchangeObserver
{
    private readonly Dictionary<(long Generation, string Route), HashSet<string>> _models = [];
    private readonly ConcurrentDictionary<(long Generation, string Route, string Asked), int> _exchanges = new();

    /// <summary>A model has come true.</summary>
    public void Add(RuntimeModel model)
    {
        foreach (var route in model.Routes.Routes)
        {
            _models[(model.Generation, route.Id)] =
            [
                .. route.Stages.SelectMany(static stage => stage)
                    .SelectMany(static agent => agent.Plan.Versions, static (agent, one) => $"{agent.Agent.Id}/{one.Version.Name}"),
            ];
        }
    }

    /// <summary>The exchanges whose agents and versions are not those of their generation; afterwards nothing is remembered.</summary>
    public IReadOnlyList<string> Unexplained()
    {
        var unexplained = _exchanges.Keys.Where(one => !_models.TryGetValue((one.Generation, one.Route), out var said) || !said.Contains(one.Asked))
            .Select(static one => one.ToString()).ToList();
        _models.Clear();
        _exchanges.Clear();
        return unexplained;
    }

    public void OnClosed(in ExchangeRecord record) =>
        _exchanges[(record.Generation, record.RouteLabel, $"{record.Agents[0].Agent}/{record.Agents[0].Version}")] = 1;
}
