using BenchmarkDotNet.Attributes;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Inspection;

namespace Sidecar.Tests.Benchmarks;

/// <summary>What an exchange and a body piece cost from the inspector to the pool and back, with agents that answer from the thread pool at no cost.</summary>
[MemoryDiagnoser]
public class ExchangeBenchmarks
{
    private static readonly byte[] Piece = new byte[4096];

    private readonly RequestHeadersEvent _message = TypicalMessages.RequestHeaders();
    private SwiftRig? _rig;
    private Exchange? _open;

    /// <summary>Agents, asked together.</summary>
    [Params(0, 1, 4)]
    public int Agents { get; set; }

    /// <summary>Not a task: in its own process BenchmarkDotNet does not wait for one.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rig = SwiftRig.StartAsync(Agents, EventSet.RequestHeaders | EventSet.RequestBodyChunk).GetAwaiter().GetResult();
        _open = Begin();
        _rig.Inspector.InspectAsync(_open, _message, Deadline).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Ends it.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _rig!.Inspector.End(_open!);
        _rig.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Begun, its request headers judged, ended.</summary>
    [Benchmark]
    public async Task ExchangeAsync()
    {
        var exchange = Begin();
        await _rig!.Inspector.InspectAsync(exchange, _message, Deadline);
        _rig.Inspector.End(exchange);
    }

    /// <summary>One of many pieces of a body that goes on.</summary>
    [Benchmark]
    public async Task<long> BodyPieceAsync()
    {
        using var step = await _rig!.Inspector.PushAsync(_open!, Direction.Request, new BodyPiece(Piece, BodyEnd.More), Deadline);
        return step.Release.Length;
    }

    private long Deadline => _rig!.Inspector.DeadlineIn(TimeSpan.FromMinutes(1));

    private Exchange Begin() => _rig!.Inspector.Begin("http", "shop.example", "/cart?item=1", "GET");
}
