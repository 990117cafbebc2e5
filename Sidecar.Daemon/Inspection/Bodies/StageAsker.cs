using System.Runtime.CompilerServices;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// One agent's conversation about the body of one direction: numbers the events, asks, and reads what the answer does to the bytes (spec §5.4).
/// </summary>
internal sealed class StageAsker(Exchange exchange, Participant participant, int order, Direction direction)
{
    private uint _index;
    private long _sent;
    private bool _allProvisional = true;

    /// <summary>Bytes the agent has answered about.</summary>
    public long Seen { get; private set; }

    /// <summary>Asks about a piece. The answer is noted in the push's verdict.</summary>
    /// <param name="push">The push.</param>
    /// <param name="bytes">The piece; not more than the agent takes in one event.</param>
    /// <param name="isLast">Whether this is the last the agent will be shown.</param>
    /// <param name="total">Size of the whole body, when known.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<StageAnswer> AskAsync(BodyPush push, ReadOnlyMemory<byte> bytes, bool isLast, long? total)
    {
        var message = Event(bytes, isLast, total);
        var heard = push.Merger.Add(participant, order, message, await participant.Session.AskAsync(message, push.Deadline).ConfigureAwait(false));
        Seen += heard is null ? 0 : bytes.Length;
        if (push.Merger.Ends)
        {
            return new StageAnswer(StageAnswerKind.Ends);
        }

        if (heard is not { } response)
        {
            return new StageAnswer(StageAnswerKind.Bypassed);
        }

        var provisional = VerdictMerger.IsProvisional(message, response);
        var answer = Read(push, message, response, provisional);
        _allProvisional &= provisional;
        return answer;
    }

    private StageAnswer Read(BodyPush push, BodyChunkEvent message, AgentResponse response, bool provisional)
    {
        var kind = provisional ? StageAnswerKind.Provisional : StageAnswerKind.Final;
        var (mutation, stray) = direction == Direction.Request
            ? (response.RequestBodyMutation, response.ResponseBodyMutation)
            : (response.ResponseBodyMutation, response.RequestBodyMutation);
        if (stray is { Data: not null })
        {
            push.Merger.NoteError(participant, $"it changes the body of the other direction in its answer to piece {message.ChunkIndex} of the {(direction == Direction.Request ? "request" : "response")}");
        }

        if (mutation is not { Data: { } data, ChunkIndex: var about })
        {
            return new StageAnswer(kind);
        }

        // Agents that collect the body answer once, for all of it, with the index their builder begins with.
        var isWhole = about == 0 && message is { IsLast: true, ChunkIndex: > 0 } && _allProvisional;
        if (about != message.ChunkIndex && !isWhole)
        {
            push.Merger.NoteError(participant, $"it changes piece {about} of the body in its answer to piece {message.ChunkIndex}");
            return new StageAnswer(kind);
        }

        push.NoteChange();
        return new StageAnswer(kind, data, isWhole);
    }

    private BodyChunkEvent Event(ReadOnlyMemory<byte> bytes, bool isLast, long? total)
    {
        _sent += bytes.Length;
        var size = total is { } known ? (ulong?)known : null;
        return direction == Direction.Request
            ? new RequestBodyChunkEvent
            {
                CorrelationId = exchange.Id,
                Data = bytes,
                IsLast = isLast,
                TotalSize = size,
                ChunkIndex = _index++,
                BytesTransferred = (ulong)_sent,
            }
            : new ResponseBodyChunkEvent
            {
                CorrelationId = exchange.Id,
                Data = bytes,
                IsLast = isLast,
                TotalSize = size,
                ChunkIndex = _index++,
                BytesTransferred = (ulong)_sent,
            };
    }
}
