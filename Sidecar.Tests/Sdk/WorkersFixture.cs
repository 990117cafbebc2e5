using System.Globalization;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>An agent on a socket with few workers, whose handler holds what a test tells it to, and a clock that stands still.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal abstract class WorkersFixture : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly List<AgentPeer> _peers = [];
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private int _most;

    protected WorkersFixture() => Handler = new ScriptedHandler(RunAsync);

    protected FakeTimeProvider Time { get; } = new();

    protected FakeLoggers Logs { get; } = new();

    protected ScriptedHandler Handler { get; }

    protected AgentServer Server { get; private set; } = null!;

    /// <summary>Whether the handler, for as long as it is held, ends when its token fires.</summary>
    protected bool HeedsTokens { get; init; }

    /// <summary>Most handlers that ran at once.</summary>
    protected int Most => Volatile.Read(ref _most);

    /// <summary>The ids of the events that reached the handler, in order, as numbers.</summary>
    protected IEnumerable<int> Handled => Handler.Calls.Select(static call => NumberOf(call.Event.CorrelationId));

    protected int Outstanding => Server.Connections.Sum(static connection => connection.Outstanding);

    [TearDown]
    public async ValueTask DisposeAsync()
    {
        Release();
        _peers.ForEach(static peer => peer.Dispose());
        await Server.DisposeAsync();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    protected async Task StartAsync(int workers, Func<AgentServerOptions, AgentServerOptions>? change = null)
    {
        var options = new AgentServerOptions
        {
            Capabilities = AgentHarness.Capabilities,
            SocketPath = _directory.Socket("agent.sock"),
            Time = Time,
            Workers = workers,
        };
        Server = new AgentServer(Handler, change?.Invoke(options) ?? options, Logs);
        await Server.StartAsync();
    }

    protected async Task<AgentPeer> ConnectAsync()
    {
        var peer = await AgentPeer.ConnectAsync(_directory.Socket("agent.sock"));
        _peers.Add(peer);
        await peer.IntroduceAsync("msgpack");
        return peer;
    }

    /// <summary>Every handler that is held, and all later ones, may end.</summary>
    protected void Release() => _release.TrySetResult();

    protected Task OutstandingAsync(int count) =>
        Eventually.TrueAsync(() => Outstanding == count, Wire.Limit, $"{count} events to be outstanding");

    protected static CorrelationId Id(int number) => new((UInt128)number);

    protected static int NumberOf(CorrelationId id) => int.Parse(id.ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    protected static async Task SendAsync(AgentPeer peer, params IEnumerable<int> numbers)
    {
        foreach (var number in numbers)
        {
            await peer.SendAsync(SampleEvents.Request(Id(number)));
        }
    }

    protected static async Task<List<int>> ReadAsync(AgentPeer peer, int count)
    {
        var answered = new List<int>();
        for (var i = 0; i < count; i++)
        {
            var answer = await peer.ReadAnswerAsync();
            Assert.That(answer.Response.Decision, Is.InstanceOf<AllowDecision>());
            answered.Add(NumberOf(answer.CorrelationId));
        }

        return answered;
    }

    private async ValueTask<AgentResponse> RunAsync(AgentEvent message, CancellationToken cancellation)
    {
        var running = Interlocked.Increment(ref _running);
        int most;
        while (running > (most = Most))
        {
            Interlocked.CompareExchange(ref _most, running, most);
        }

        try
        {
            await (HeedsTokens ? _release.Task.WaitAsync(cancellation) : _release.Task);
            return AgentResponse.Allow;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
