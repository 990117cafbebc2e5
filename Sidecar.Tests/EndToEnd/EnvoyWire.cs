using Sidecar.Protocol.Envoy;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;

namespace Sidecar.Tests.EndToEnd;

/// <summary>An ext_proc stream to a daemon.</summary>
internal sealed class EnvoyWire(ForeignChannel channel) : IEnvoyWire, IAsyncDisposable
{
    private readonly ForeignCall<ProcessingResponse> _call = channel.Start(EnvoyServer.Process, ProcessingResponse.Parser);

    public async Task TellAsync(ProcessingRequest message) => await _call.WriteAsync(message, Soon());

    public async Task<ProcessingResponse> NextAsync() =>
        await NextOrEndAsync() ?? throw new InvalidOperationException($"no answer; the stream ended: {_call.Status}");

    public async Task<ProcessingResponse?> NextOrEndAsync() => await _call.ReadAsync(Soon());

    /// <summary>Sends a message and waits for the next answer.</summary>
    public async Task<ProcessingResponse> AskAsync(ProcessingRequest message)
    {
        await TellAsync(message);
        return await NextAsync();
    }

    /// <summary>Half-closes.</summary>
    /// <returns>The status, or the answer that was one too many.</returns>
    public async Task<string> CloseAsync()
    {
        await _call.CompleteAsync();
        return await EndAsync();
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The status, or the answer that was one too many.</returns>
    public async Task<string> EndAsync() => await _call.ReadAsync(Soon()) is { } extra ? $"an answer too many: {extra}" : $"{_call.Status!.Value.Code}";

    public ValueTask DisposeAsync() => _call.DisposeAsync();
}
