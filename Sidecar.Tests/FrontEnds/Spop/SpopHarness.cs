using System.Globalization;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Inspection;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>Sessions on in-memory pipes before a real inspector with agents of the test's own.</summary>
internal sealed class SpopHarness : IAsyncDisposable
{
    public const string Listener = "spop:test";

    private readonly InspectionHarness _inspection;
    private readonly List<SpopConnection> _connections = [];
    private readonly List<Task> _running = [];

    private SpopHarness(InspectionHarness inspection, SpopListenerOptions options, IExchangeRelay? relay)
    {
        (_inspection, Options) = (inspection, options);
        Logger = new FakeLogger<SpopListener>(inspection.Logs.Collector);
        FrontEnd = new SpopFrontEnd(options, inspection.Inspector, Logger, relay);
    }

    public SpopListenerOptions Options { get; }

    public SpopFrontEnd FrontEnd { get; }

    public FakeLogger<SpopListener> Logger { get; }

    public InspectionHarness Inspection => _inspection;

    public IReadOnlyList<SpopConnection> Connections => _connections;

    /// <summary>With a patience that no busy machine exhausts.</summary>
    public static SpopListenerOptions DefaultOptions => new()
    {
        Name = Listener,
        Budget = TimeSpan.FromMinutes(1),
        HelloTimeout = TimeSpan.FromMinutes(1),
        FrameTimeout = TimeSpan.FromMinutes(1),
        WriteTimeout = TimeSpan.FromMinutes(1),
    };

    public static Task<SpopHarness> StartAsync(params LambdaAgent[] agents) => StartAsync(DefaultOptions, new HarnessOptions(), agents);

    public static Task<SpopHarness> StartAsync(SpopListenerOptions options, params LambdaAgent[] agents) => StartAsync(options, new HarnessOptions(), agents);

    public static async Task<SpopHarness> StartAsync(SpopListenerOptions options, HarnessOptions harness, params LambdaAgent[] agents) =>
        new(await InspectionHarness.StartAsync(harness, agents), options, harness.Relay);

    /// <summary>A connection that has not said HELLO.</summary>
    public SpopPeer Open(long pauseThreshold = 65_536)
    {
        var pair = new DuplexPipePair(PipeScheduler.ThreadPool, pauseThreshold);
        var id = (_connections.Count + 1).ToString(CultureInfo.InvariantCulture);
        var connection = new SpopConnection(id, pair.Near, FrontEnd);
        _connections.Add(connection);
        var running = connection.RunAsync();
        _running.Add(running);
        return new SpopPeer(pair.Far, connection, running);
    }

    /// <summary>A connection that has said HELLO and was answered.</summary>
    public async Task<SpopPeer> GreetAsync(uint maxFrameSize = SpopProxy.DefaultMaxFrameSize)
    {
        var peer = Open();
        await peer.GreetAsync(maxFrameSize);
        return peer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
        {
            connection.Stop();
        }

        await Task.WhenAll(_running);
        FrontEnd.Dispose();
        await _inspection.DisposeAsync();
    }
}
