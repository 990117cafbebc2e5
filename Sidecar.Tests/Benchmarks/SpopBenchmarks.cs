using System.Buffers;
using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.FrontEnds.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Benchmarks;

/// <summary>What the spop front end costs for one NOTIFY beside the agents: a route without any, an answer that goes nowhere.</summary>
[MemoryDiagnoser]
public class SpopBenchmarks : IAsyncDisposable
{
    private static readonly (string, string)[] BrowserHeaders =
    [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"), ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"), ("accept-encoding", "gzip, deflate, br, zstd"), ("dnt", "1"), ("cookie", "session=0123456789abcdef0123456789abcdef; theme=dark"),
        ("upgrade-insecure-requests", "1"), ("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "none"), ("priority", "u=0, i"),
    ];

    private SpopHarness? _harness;
    private FrameOutput? _output;
    private SpopReplies? _replies;
    private byte[] _notify = [];

    /// <summary>Header fields besides Host.</summary>
    [Params(0, 11)]
    public int Headers { get; set; }

    /// <summary>A front end on a route that asks nobody. Not a task: in its own process BenchmarkDotNet does not wait for one.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _harness = SpopHarness.StartAsync(SpopHarness.DefaultOptions with { HasResponsePhase = false }).GetAwaiter().GetResult();
        _output = new FrameOutput(PipeWriter.Create(Stream.Null), _harness.Options.MaxUnsent);
        _ = _output.RunAsync();
        _replies = new SpopReplies(_output, _harness.Options, TimeProvider.System) { MaxFrameSize = (int)SpopProxy.DefaultMaxFrameSize };
        _notify = SpopAsk.Request(headers: BrowserHeaders[..Headers]);
    }

    /// <summary>Ends it.</summary>
    [GlobalCleanup]
    public Task CleanupAsync() => DisposeAsync().AsTask();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_harness is null)
        {
            return;
        }

        _output!.Close(discard: true);
        _replies!.Dispose();
        await _harness.DisposeAsync();
    }

    /// <summary>From the bytes to what HAProxy told.</summary>
    [Benchmark]
    public int Read()
    {
        using var turn = Take();
        return turn.Arguments.HeaderCount;
    }

    /// <summary>From the bytes to the answer's bytes.</summary>
    [Benchmark]
    public async Task AnswerAsync()
    {
        using var turn = Take();
        await _harness!.FrontEnd.AnswerAsync(turn, _replies!);
    }

    private NotifyRequest Take()
    {
        var buffer = new ReadOnlySequence<byte>(_notify);
        SpopFrameScanner.TryRead(ref buffer, (int)SpopProxy.DefaultMaxFrameSize, out var frame, out _);
        return NotifyRequest.Read(frame, SpopPayload.Of(frame.Payload), _harness!.FrontEnd.Reader, 16_384, out _)!;
    }
}
