using System.Threading.Channels;
using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.Envoy;
using Sidecar.Protocol.Envoy;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Envoy;

/// <summary>One ext_proc stream over real inspection and real agents; the answers come as they would be read from the wire.</summary>
internal sealed class ExtProcRig : IExtProcOutput, IEnvoyWire, IAsyncDisposable
{
    // Longer than the filter's patience below: a verdict that is late must not become an answer that is missed.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly Channel<ProcessingResponse> _answers = Channel.CreateUnbounded<ProcessingResponse>();
    private int _writers;

    private ExtProcRig(InspectionHarness harness, ExtProcOptions options)
    {
        Harness = harness;
        Stream = new ExtProcStream(harness.Inspector, options, Metrics, this, harness.Logs.CreateLogger("envoy"));
    }

    /// <summary>Everything behind the stream.</summary>
    public InspectionHarness Harness { get; }

    /// <summary>The stream under test.</summary>
    public ExtProcStream Stream { get; }

    /// <summary>Fails every answer from now on, as when the peer is gone.</summary>
    public bool IsBroken { get; set; }

    private SidecarMetrics Metrics => Harness.Sums.Metrics;

    public static Task<ExtProcRig> StartAsync(params LambdaAgent[] agents) => StartAsync(Options, agents);

    public static Task<ExtProcRig> StartAsync(ExtProcOptions options, params LambdaAgent[] agents) => StartAsync(options, new HarnessOptions(), agents);

    public static async Task<ExtProcRig> StartAsync(ExtProcOptions options, HarnessOptions harness, params LambdaAgent[] agents) =>
        new(await InspectionHarness.StartAsync(harness, agents), options);

    /// <summary>A filter whose patience no busy machine exhausts.</summary>
    public static ExtProcOptions Options => new() { Name = "envoy", Budget = TimeSpan.FromMinutes(1) };

    /// <summary>Hands in a message.</summary>
    public Task TellAsync(ProcessingRequest message) => Stream.OnMessageAsync(ProcessingRequest.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(message))).AsTask().WaitAsync(Limit, TimeProvider.System);

    /// <summary>The next answer.</summary>
    public Task<ProcessingResponse> NextAsync() => _answers.Reader.ReadAsync().AsTask().WaitAsync(Limit, TimeProvider.System);

    /// <summary>Hands in a message and waits for the next answer.</summary>
    public async Task<ProcessingResponse> AskAsync(ProcessingRequest message)
    {
        await TellAsync(message);
        return await NextAsync();
    }

    /// <summary>Half-closes and waits for the end.</summary>
    public async Task<ExtProcEnd> CloseAsync()
    {
        await Stream.OnHalfClosedAsync().AsTask().WaitAsync(Limit, TimeProvider.System);
        return await EndAsync();
    }

    /// <summary>Waits for the end.</summary>
    public Task<ExtProcEnd> EndAsync() => Stream.Ended.WaitAsync(Limit, TimeProvider.System);

    /// <summary>Closes the stream, expects that nothing more was answered, and returns how the exchange was accounted: state|cause.</summary>
    public async Task<string> AccountAsync()
    {
        await CloseAsync();
        await Stream.DisposeAsync();
        Assert.That(_answers.Reader.TryPeek(out var extra), Is.False, $"an answer too many: {extra}");
        var line = (await Harness.EndedAsync()).Single();
        return line[(line.IndexOf('|', line.IndexOf('|', StringComparison.Ordinal) + 1) + 1)..line.LastIndexOf('=')];
    }

    public async ValueTask WriteAsync(ProcessingResponse answer)
    {
        Assert.That(Interlocked.Increment(ref _writers), Is.EqualTo(1), "two answers at once");
        await Task.Yield();
        if (IsBroken)
        {
            throw new IOException("broken pipe");
        }

        _answers.Writer.TryWrite(ProcessingResponse.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(answer)));
        Interlocked.Decrement(ref _writers);
    }

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        await Harness.DisposeAsync();
    }
}
