using System.Threading.Channels;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>One ext_proc stream over real inspection and real agents; the answers come as they would be read from the wire.</summary>
internal sealed class ExtProcRig : IGrpcServerCall, IEnvoyWire, IAsyncDisposable
{
    // Longer than the filter's patience below: a verdict that is late must not become an answer that is missed.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly Channel<ProcessingResponse> _answers = Channel.CreateUnbounded<ProcessingResponse>();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _writers;
    private bool _hasRequest;
    private bool _hasResponse;

    private ExtProcRig(InspectionHarness harness, EnvoyFilterOptions options)
    {
        Harness = harness;
        Filter = new ExtProcFilter(options, harness.Inspector.Warnings, TimeProvider.System, harness.Logs.CreateLogger("envoy"));
        Stream = new ExtProcStream(harness.Inspector, Filter, this);
    }

    /// <summary>Everything behind the stream.</summary>
    public InspectionHarness Harness { get; }

    /// <summary>What the listener knows of its filter.</summary>
    public ExtProcFilter Filter { get; }

    /// <summary>The stream under test.</summary>
    public ExtProcStream Stream { get; }

    /// <summary>Fails every answer from now on, as when the peer is gone.</summary>
    public bool IsBroken { get; set; }

    /// <summary>A further stream of the same filter.</summary>
    public ExtProcStream NewStream() => new(Harness.Inspector, Filter, new OtherCall(this));

    public static Task<ExtProcRig> StartAsync(params LambdaAgent[] agents) => StartAsync(Options, agents);

    public static Task<ExtProcRig> StartAsync(EnvoyFilterOptions options, params LambdaAgent[] agents) => StartAsync(options, new HarnessOptions(), agents);

    public static async Task<ExtProcRig> StartAsync(EnvoyFilterOptions options, HarnessOptions harness, params LambdaAgent[] agents) =>
        new(await InspectionHarness.StartAsync(harness, agents), options);

    /// <summary>A filter whose patience no busy machine exhausts.</summary>
    public static EnvoyFilterOptions Options => new() { Name = "envoy", Budget = TimeSpan.FromMinutes(1) };

    /// <summary>Hands in a message.</summary>
    public Task TellAsync(ProcessingRequest message)
    {
        _hasRequest |= message is { RequestHeaders.EndOfStream: true } or { RequestBody.EndOfStream: true } or { RequestTrailers: not null };
        _hasResponse |= message.ResponseHeaders is not null;
        return Stream.OnMessageAsync(ProcessingRequest.Parser.ParseFrom(message.ToByteArray())).AsTask()
            .WaitAsync(Limit, TimeProvider.System);
    }

    /// <summary>The next answer.</summary>
    public Task<ProcessingResponse> NextAsync() => _answers.Reader.ReadAsync().AsTask().WaitAsync(Limit, TimeProvider.System);

    /// <summary>The next answer, or null for the end.</summary>
    public async Task<ProcessingResponse?> NextOrEndAsync()
    {
        await Task.WhenAny(_answers.Reader.WaitToReadAsync().AsTask(), _ended.Task).WaitAsync(Limit, TimeProvider.System);
        return _answers.Reader.TryRead(out var answer) ? answer : null;
    }

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
    public async Task<ExtProcEnd> EndAsync()
    {
        await _ended.Task.WaitAsync(Limit, TimeProvider.System);
        return Stream.End!;
    }

    /// <summary>
    /// Resets the stream, as Envoy ends each, expects that nothing more was answered, and returns how the exchange was accounted: state|cause. A request that
    /// passed whole has its response first.
    /// </summary>
    public async Task<string> AccountAsync()
    {
        if (_hasRequest && !_hasResponse && Stream.End is null)
        {
            await TellAsync(Messages.Response(last: true));
            await Stream.IdleAsync();
            _answers.Reader.TryRead(out _);
        }

        await Stream.IdleAsync().AsTask().WaitAsync(Limit, TimeProvider.System);
        Stream.OnGone();
        await Stream.DisposeAsync();
        Assert.That(_answers.Reader.TryPeek(out var extra), Is.False, $"an answer too many: {extra}");
        var line = (await Harness.EndedAsync()).Single();
        return line[(line.IndexOf('|', line.IndexOf('|', StringComparison.Ordinal) + 1) + 1)..line.LastIndexOf('=')];
    }

    public async ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation)
    {
        Assert.That(Interlocked.Increment(ref _writers), Is.EqualTo(1), "two answers at once");
        await Task.Yield();
        if (IsBroken)
        {
            throw new IOException("broken pipe");
        }

        _answers.Writer.TryWrite(ProcessingResponse.Parser.ParseFrom(message.ToByteArray()));
        Interlocked.Decrement(ref _writers);
        return true;
    }

    public void EndReads() => _ended.TrySetResult();

    public void Abort() => IsBroken = true;

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        await Harness.DisposeAsync();
    }

    private sealed class OtherCall(ExtProcRig rig) : IGrpcServerCall
    {
        public ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation) => rig.WriteAsync(message, cancellation);

        public void EndReads()
        {
        }

        public void Abort() => rig.Abort();
    }
}
