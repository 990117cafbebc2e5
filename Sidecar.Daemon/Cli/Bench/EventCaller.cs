using System.Runtime.CompilerServices;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Sends events the way the daemon does. Header events are exchanges of their own; others follow the header event of their exchange, which ends with the last of them.</summary>
internal sealed class EventCaller(IAgentConnection connection, AgentEvent[] events, AgentEvent? opening, IExchangeIds ids, TimeSpan timeout, TimeProvider time) : ICaller
{
    // A daemon keeps an exchange until it is told of its end; an agent is not asked to.
    private readonly RequestCompleteEvent? _complete = connection.Capabilities.AgentId == "sidecar" ? new RequestCompleteEvent() : null;
    private readonly long _ticks = (long)(timeout.TotalSeconds * time.TimestampFrequency);
    private int _next;
    private bool _isOpen;

    /// <inheritdoc/>
    public ValueTask<string?> PrepareAsync()
    {
        if (_next > 0)
        {
            return default;
        }

        if (opening is not null || _complete is not null)
        {
            return BeginAsync();
        }

        events[0].CorrelationId = ids.Next();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask<string?> CallAsync()
    {
        var message = events[_next];
        _next = (_next + 1) % events.Length;
        return SendAsync(message);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<string?> BeginAsync()
    {
        if (_isOpen && _complete is not null)
        {
            _complete.CorrelationId = events[0].CorrelationId;
            await connection.CallAsync(_complete, time.GetTimestamp() + _ticks).ConfigureAwait(false);
        }

        var id = ids.Next();
        foreach (var message in events)
        {
            message.CorrelationId = id;
        }

        _isOpen = true;
        if (opening is null)
        {
            return null;
        }

        opening.CorrelationId = id;
        return await SendAsync(opening).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<string?> SendAsync(AgentEvent message)
    {
        var result = await connection.CallAsync(message, time.GetTimestamp() + _ticks).ConfigureAwait(false);
        return result.Response is not { } response ? $"{result.Outcome}: {result.Detail}"
            : response.Decision is AllowDecision ? null
            : $"refused: {response.Decision} {string.Join(' ', response.Audit.ReasonCodes)}";
    }
}
