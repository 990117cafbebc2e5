using System.Runtime.CompilerServices;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>One call in flight after the other, for one worker of a benchmark.</summary>
internal interface ICaller
{
    /// <summary>Messages sent and answered so far, whether measured or not. Read by others while the worker counts on.</summary>
    long Messages { get; }

    /// <summary>Exchanges of which every message was answered, so far.</summary>
    long Exchanges { get; }

    /// <summary>Makes what must come before the next call, which is not timed; null when it went well, else what went wrong.</summary>
    ValueTask<string?> PrepareAsync() => default;

    /// <summary>Makes one call; null when it was answered, else what went wrong.</summary>
    ValueTask<string?> CallAsync();
}

/// <summary>
/// Sends events the way the daemon does. Header events are exchanges of their own; others follow the header event of their exchange, which
/// ends with the last of them.
/// </summary>
/// <param name="connection">Where to.</param>
/// <param name="events">The events of an exchange that are timed.</param>
/// <param name="opening">What comes before them; null for nothing.</param>
/// <param name="completes">
/// Whether request-complete comes after them. A daemon is told in any case: it keeps an exchange until it knows of its end.
/// </param>
/// <param name="ids">The ids of the exchanges.</param>
/// <param name="timeout">Longest wait for an answer.</param>
/// <param name="time">The clock.</param>
internal sealed class EventCaller(
    IAgentConnection connection, AgentEvent[] events, AgentEvent? opening, bool completes, ExchangeIds ids, TimeSpan timeout,
    TimeProvider time) : ICaller
{
    private readonly RequestCompleteEvent? _complete = completes
        || connection.Capabilities.AgentId == "sidecar" ? new RequestCompleteEvent() : null;
    private readonly long _ticks = (long)(timeout.TotalSeconds * time.TimestampFrequency);
    private int _next;
    private bool _isOpen;
    private bool _isWhole;

    public long Messages { get; private set; }

    public long Exchanges { get; private set; }

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

        _isWhole = true;
        events[0].CorrelationId = ids.Next();
        return default;
    }

    public ValueTask<string?> CallAsync()
    {
        var message = events[_next];
        _next = (_next + 1) % events.Length;
        return SendAsync(message);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<string?> BeginAsync()
    {
        string? failure = null;
        if (_isOpen && _complete is not null)
        {
            _complete.CorrelationId = events[0].CorrelationId;
            failure = await SendAsync(_complete);
        }

        var id = ids.Next();
        foreach (var message in events)
        {
            message.CorrelationId = id;
        }

        (_isOpen, _isWhole) = (true, true);
        if (failure is not null || opening is null)
        {
            return failure;
        }

        opening.CorrelationId = id;
        return await SendAsync(opening);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<string?> SendAsync(AgentEvent message)
    {
        var result = await connection.CallAsync(message, time.GetTimestamp() + _ticks);
        if (result.Response is not { Decision: AllowDecision })
        {
            _isWhole = false;
            return result.Response is null ? $"{result.Outcome}: {result.Detail}"
                : $"refused: {result.Response.Decision} {string.Join(' ', result.Response.Audit.ReasonCodes)}";
        }

        Messages++;
        if (_isWhole && ReferenceEquals(message, _complete ?? events[^1]))
        {
            Exchanges++;
        }

        return null;
    }
}

/// <summary>What the workers of a benchmark have done between its start and a moment.</summary>
/// <param name="Exchanges">Exchanges of which every message was answered.</param>
/// <param name="Messages">Messages sent and answered.</param>
internal readonly record struct Tally(long Exchanges, long Messages)
{
    /// <summary>The sum over all workers.</summary>
    public static Tally Of(IReadOnlyList<ICaller> callers)
    {
        var sum = default(Tally);
        foreach (var caller in callers)
        {
            sum = new(sum.Exchanges + caller.Exchanges, sum.Messages + caller.Messages);
        }

        return sum;
    }

    /// <summary>What was done between two moments.</summary>
    public static Tally operator -(Tally later, Tally earlier) =>
        new(later.Exchanges - earlier.Exchanges, later.Messages - earlier.Messages);
}
