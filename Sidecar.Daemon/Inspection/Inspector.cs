using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection;

/// <summary>Asks the agents of an exchange's route about its events and merges what they say.</summary>
/// <remarks>
/// Front ends call <see cref="Begin"/> once, <see cref="InspectAsync"/> for each event, and <see cref="End"/> in every way out; for what
/// makes no request, <see cref="Account"/>. Safe from any thread; the events of one direction of an exchange are inspected one after the
/// other by their front end.
/// </remarks>
internal sealed partial class Inspector(
    CurrentModel current, BackgroundCalls background, ExchangeIds ids, ByteBudget bodyMemory, ExchangeObservers observers,
    TimeProvider time, ILogger<Inspector>? logger = null)
{
    private readonly AnswerErrorLog _errors = new(logger ?? NullLogger<Inspector>.Instance, time);
    private readonly LogThrottle _throttle = new(time);
    private BodyServices? _services;
    private readonly ILogger _logger = logger ?? NullLogger<Inspector>.Instance;

    /// <summary>The clock that deadlines belong to.</summary>
    public TimeProvider Time => time;

    /// <summary>The model that an exchange begins with now.</summary>
    public RuntimeModel Model => current.Model;

    /// <summary>The budget of body bytes that the daemon may hold.</summary>
    public ByteBudget BodyMemory => bodyMemory;

    /// <summary>The exchanges that came, and how they ended.</summary>
    public ExchangeCounts Counts { get; } = new();

    /// <summary>What listeners found wrong with the configuration of their proxies.</summary>
    public ListenerWarnings Warnings { get; } = new();

    /// <summary>A timestamp that lies this far ahead.</summary>
    public long DeadlineIn(TimeSpan budget) => time.GetTimestamp() + (long)(budget.TotalSeconds * time.TimestampFrequency);

    /// <summary>Asks every agent that wants this event and merges the answers. Never throws: a defect of ours refuses the event.</summary>
    /// <param name="exchange">The exchange; an event that comes after its end is refused.</param>
    /// <param name="message">
    /// The event, of any kind but a piece of a body (<see cref="PushAsync"/>); its correlation id is set here.
    /// </param>
    /// <param name="deadline">When the phase's time is up.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Verdict> InspectAsync(Exchange exchange, AgentEvent message, long deadline)
    {
        var kind = EventKinds.Of(message.Type);
        if (!exchange.TryEnter())
        {
            return exchange.Give(kind, Verdict.Refused(Cause.ExchangeUnknown));
        }

        try
        {
            if (exchange.Route is { Refuses: true })
            {
                return exchange.Give(kind, RefuseUnmatched(exchange, message));
            }

            if (message is ResponseHeadersEvent && UnfinishedBodies.AtResponse(exchange, Warnings, _logger) is { } tooEarly)
            {
                return exchange.Give(kind, tooEarly);
            }

            message.CorrelationId = exchange.Id;
            exchange.LastEvent = time.GetTimestamp();
            if (message is RequestHeadersEvent request)
            {
                exchange.Describe(request.Metadata);
                exchange.Stick(request);
            }

            background.CopyToMonitors(exchange, message, kind);
            VerdictMerger? merger = null;
            for (var (place, end) = (0, 0); place < exchange.Plan.Enforced; place = end)
            {
                end = exchange.Plan.EndOfStage(place);
                if (end - place > 1 && message is not WebSocketFrameEvent && merger is not { Ends: true })
                {
                    using var asked = AgentFanOut.Ask(exchange, place, end, message, deadline);
                    while (asked.Pending > 0)
                    {
                        await asked.WhenRepliedAsync();
                        var hadEnded = merger is { Ends: true };
                        merger = Take(exchange, asked.Take(out var replied), replied, message, merger);
                        if (!hadEnded && merger is { Ends: true })
                        {
                            // Cancelled calls end at once, so awaiting them costs no time.
                            CancelAll(exchange, place, end);
                        }
                    }

                    continue;
                }

                for (; place < end; place++)
                {
                    var participant = exchange.Participants[place];
                    var isWanted = participant.Session.Wants(kind);
                    if (isWanted && merger is not { Ends: true })
                    {
                        merger = Take(exchange, await participant.Session.AskAsync(message, deadline), place, message, merger);
                    }
                    else
                    {
                        participant.Skip(kind, isWanted ? SkipReason.Decided : SkipReason.NotWanted);
                    }
                }
            }

            if (exchange.UnseenBody != Cause.None && message is RequestHeadersEvent && merger is not { IsAllow: false })
            {
                _errors.Write(exchange, (merger ??= new VerdictMerger(exchange, message)).BypassUnseenBody());
            }

            if (merger is null)
            {
                return exchange.Give(kind, Verdict.Allow);
            }

            _errors.Write(merger);
            return exchange.Give(kind, merger.ToVerdict());
        }
        catch (Exception e)
        {
            return exchange.Give(kind, Fail(exchange, message.Type, e));
        }
        finally
        {
            Leave(exchange);
        }
    }

    /// <summary>
    /// Hands in the next piece of a body; the pieces of one direction one after the other. Never throws: a defect of ours refuses the
    /// piece.
    /// </summary>
    /// <param name="exchange">The exchange; a piece that comes after its end is refused.</param>
    /// <param name="direction">Which of its bodies.</param>
    /// <param name="piece">The piece.</param>
    /// <param name="deadline">When the phase's time is up.</param>
    /// <returns>What may go on now; the caller disposes of it.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<BodyStep> PushAsync(Exchange exchange, Direction direction, BodyPiece piece, long deadline)
    {
        var kind = BodyPipeline.KindOf(direction);
        if (!exchange.TryEnter())
        {
            return BodyStep.Refused(exchange.Give(kind, Verdict.Refused(Cause.ExchangeUnknown)));
        }

        try
        {
            if (exchange.Route is { Refuses: true })
            {
                return BodyStep.Refused(exchange.Give(kind, RefuseUnmatched(exchange, null)));
            }

            if (direction == Direction.Response && UnfinishedBodies.AtResponse(exchange, Warnings, _logger) is { } tooEarly)
            {
                return BodyStep.Refused(exchange.Give(kind, tooEarly));
            }

            exchange.LastEvent = time.GetTimestamp();
            var services = _services ??= new BodyServices(bodyMemory, background.HeldCopies, _errors, time);
            background.CopyToMonitors(exchange.Bodies.MonitorsOf(direction, services), piece);
            var step = await exchange.Bodies.Of(direction, services).PushAsync(piece, deadline);
            exchange.Give(kind, step.Verdict);
            return step;
        }
        catch (Exception e)
        {
            return BodyStep.Refused(
                exchange.Give(kind, Fail(
                    exchange, direction == Direction.Request ? MessageType.RequestBodyChunk : MessageType.ResponseBodyChunk, e)));
        }
        finally
        {
            Leave(exchange);
        }
    }

    // A merger is made for the first reply that is more than the plain allow.
    private VerdictMerger? Take(Exchange exchange, in AgentReply reply, int place, AgentEvent message, VerdictMerger? merger)
    {
        var participant = exchange.Participants[place];
        if (reply.IsAllow && reply.Error is null)
        {
            participant.NoteInspected(message, EventKinds.Of(message.Type));
            return merger;
        }

        if (reply is { IsRetry: true, Outcome: CallOutcome.ConnectionLost })
        {
            Log.LostTwice(_logger, participant.LogName, message.CorrelationId);
        }

        (merger ??= new VerdictMerger(exchange, message)).Add(participant, place, message, reply);
        return merger;
    }

    private static void CancelAll(Exchange exchange, int first, int end)
    {
        foreach (var participant in exchange.Participants[first..end])
        {
            participant.Session.Cancel(CancelReason.BlockedByAgent);
        }
    }

    private Verdict RefuseUnmatched(Exchange exchange, AgentEvent? message)
    {
        exchange.Note(LedgerState.Refused, Cause.NoRoute);
        if (message is RequestHeadersEvent request && _throttle.MayLog(exchange.Listener, out var more))
        {
            var host = request.Headers.Get("host") ?? request.Metadata.ServerName ?? "";
            Log.NoRoute(
                _logger, exchange.Listener, HeaderRules.Echo(request.Method), HeaderRules.Echo(request.Uri), HeaderRules.Echo(host), more);
        }

        return Verdict.Refused(Cause.NoRoute);
    }

    // It costs this exchange and no other, and it must not let the event pass.
    private Verdict Fail(Exchange exchange, MessageType type, Exception error)
    {
        Log.InspectionFailed(_logger, type, exchange.Id, error);
        return exchange.Refuse(Cause.Internal);
    }
}
