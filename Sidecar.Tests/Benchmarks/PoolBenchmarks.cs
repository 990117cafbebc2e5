using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Benchmarks;

/// <summary>What a pool costs on the way of a call, beside the call itself. Promised: 0 B.</summary>
[MemoryDiagnoser]
public class PoolBenchmarks : IAsyncDisposable
{
    private static readonly TimeSpan Duration = TimeSpan.FromMicroseconds(180);
    private static readonly TimeSpan Ceiling = TimeSpan.FromMilliseconds(120);

    private static readonly BreakerSettings Breaker = new()
    {
        FailurePercent = CallSettings.BreakerRate.Default,
        MinCalls = CallSettings.BreakerCalls.Default,
        Window = CallSettings.BreakerWindow.Default,
        Consecutive = CallSettings.BreakerFailures.Default,
        OpenFor = CallSettings.BreakerOpen.Default,
    };

    private readonly CallResult _answer = CallResult.Answered(AgentResponse.Allow);
    private readonly CircuitBreaker _breaker = new(Breaker, TimeProvider.System, static (_, _) => { });
    private PooledConnection[] _connections = [];
    private ConnectionPool _pool = null!;
    private ISelectionPolicy[] _policies = [];
    private CallAsk _ask;
    private CallAsk _leased;
    private StickyKey _key;
    private CallPermit _pass;

    /// <summary>Four connections, as an agent has by default.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _connections = [.. Enumerable.Range(0, 4).Select(static i => new PooledConnection(new FakeConnection($"c{i}"), TimeProvider.System))];
        _policies = [.. Enum.GetValues<SelectionStrategy>().Select(static strategy => SelectionPolicies.Create(strategy, TimeProvider.System, Random.Shared))];
        var settings = PoolTests.Settings(4) with
        {
            MaxCalls = 1024,
            Queue = CallSettings.Queue.Default,
            QueueWait = CallSettings.QueueWait.Default,
            Breaker = Breaker,
        };
        var dialer = new ScriptedDialer(static number => new FakeConnection($"c{number}"), TimeProvider.System);
        _pool = new ConnectionPool(settings, dialer, new FillThenSpread(), new Random(1), TimeProvider.System, NullLogger.Instance);
        _pool.Start();
        SpinWait.SpinUntil(() => _pool.Live.Count == 4);
        _ask = new CallAsk(TestEvents.Headers(1), EventKind.RequestHeaders, null, long.MaxValue);
        _leased = new CallAsk(TestEvents.Complete(1), EventKind.ResponseHeaders, _pool.Live[0], long.MaxValue);
        _key = StickyKey.Of("cookie:sid", "0123456789abcdef");
        _pool.Sticky.Use(_key, _pool.Live[0]);
    }

    /// <summary>Closes the pool.</summary>
    [GlobalCleanup]
    public Task CleanupAsync() => DisposeAsync().AsTask();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _pool.DisposeAsync();
    }

    /// <summary>The default.</summary>
    [Benchmark]
    public object? FillThenSpread() => Select(SelectionStrategy.FillThenSpread);

    /// <summary>Each in turn.</summary>
    [Benchmark]
    public object? RoundRobin() => Select(SelectionStrategy.RoundRobin);

    /// <summary>The least busy.</summary>
    [Benchmark]
    public object? LeastConnections() => Select(SelectionStrategy.LeastConnections);

    /// <summary>The best of late.</summary>
    [Benchmark]
    public object? HealthBased() => Select(SelectionStrategy.HealthBased);

    /// <summary>Any.</summary>
    [Benchmark]
    public object? RandomChoice() => Select(SelectionStrategy.Random);

    /// <summary>The less busy of two.</summary>
    [Benchmark]
    public object? PowerOfTwo() => Select(SelectionStrategy.PowerOfTwo);

    /// <summary>The breaker asked and told.</summary>
    [Benchmark]
    public void BreakerCheck()
    {
        _breaker.TryEnter(long.MaxValue, out var trial);
        _breaker.Report(trial, CallVerdict.Success);
    }

    /// <summary>A call let through, selection included, and its end.</summary>
    [Benchmark]
    public bool Admission()
    {
        var entered = _pool.Admission.TryEnter(_ask, ref _pass, out _);
        _pool.Admission.Leave(ref _pass, _answer, EventKind.RequestHeaders, Duration, Ceiling, Ceiling, keepsSlot: false);
        return entered;
    }

    /// <summary>A later event of an exchange let through to the connection that it has leased, and its end.</summary>
    [Benchmark]
    public bool Affinity()
    {
        var entered = _pool.Admission.TryEnter(_leased, ref _pass, out _);
        _pool.Admission.Leave(ref _pass, _answer, EventKind.ResponseHeaders, Duration, Ceiling, Ceiling, keepsSlot: false);
        return entered;
    }

    /// <summary>The connection of a client's session found, and the session refreshed.</summary>
    [Benchmark]
    public object? StickySession()
    {
        var connection = _pool.Sticky.Find(_key);
        _pool.Sticky.Use(_key, connection!);
        return connection;
    }

    private PooledConnection? Select(SelectionStrategy strategy) => _policies[(int)strategy].Select(_connections, null);
}
