using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Sends events the way the daemon does. Header events are exchanges of their own; others belong to one exchange per worker.</summary>
internal sealed class EventCaller(IAgentConnection connection, AgentEvent message, AgentEvent? opening, IExchangeIds ids, TimeSpan timeout, TimeProvider time) : ICaller
{
    // A daemon keeps an exchange until it is told of its end; an agent is not asked to.
    private readonly RequestCompleteEvent? _complete = connection.Capabilities.AgentId == "sidecar" ? new RequestCompleteEvent() : null;
    private readonly long _ticks = (long)(timeout.TotalSeconds * time.TimestampFrequency);
    private bool _opened;

    public ValueTask<string?> CallAsync()
    {
        if (opening is not null && !_opened)
        {
            return OpenAsync();
        }

        if (opening is null)
        {
            message.CorrelationId = ids.Next();
        }

        return opening is null && _complete is not null ? CompleteAsync() : SendAsync();
    }

    private async ValueTask<string?> OpenAsync()
    {
        opening!.CorrelationId = message.CorrelationId = ids.Next();
        var result = await connection.CallAsync(opening, time.GetTimestamp() + _ticks).ConfigureAwait(false);
        _opened = true;
        return result.IsAnswered ? await SendAsync().ConfigureAwait(false) : Words(result);
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<string?> SendAsync()
    {
        var result = await connection.CallAsync(message, time.GetTimestamp() + _ticks).ConfigureAwait(false);
        return result.IsAnswered ? null : Words(result);
    }

    private async ValueTask<string?> CompleteAsync()
    {
        var failure = await SendAsync().ConfigureAwait(false);
        _complete!.CorrelationId = message.CorrelationId;
        await connection.CallAsync(_complete, time.GetTimestamp() + _ticks).ConfigureAwait(false);
        return failure;
    }

    private static string Words(in CallResult result) => $"{result.Outcome}: {result.Detail}";
}
