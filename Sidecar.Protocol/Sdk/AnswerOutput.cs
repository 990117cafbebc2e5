using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>Sends the answers of one connection. Whatever a handler put into its answer, the asker gets one.</summary>
internal sealed class AnswerOutput(FrameConnection frames, MessageEncoding encoding, AgentConnectionOptions options, ILogger logger)
{
    /// <summary>The answer that stands in for a decision that could not be made.</summary>
    public AgentResponse Failure(string reason) => new AgentResponse { Decision = options.ErrorDecision }.WithReason(reason);

    /// <summary>
    /// The answer as a frame, or the error decision in its place. Null when not even that fits into one: there is no answer then, and the
    /// connection ends.
    /// </summary>
    public FrameBuffer? Encode(CorrelationId id, ref AgentResponse answer)
    {
        if (TryEncode(id, answer, out var error) is { } frame)
        {
            return frame;
        }

        Log.UnencodableAnswer(logger, error!);
        answer = Failure(ReasonCodes.UnencodableAnswer);
        frame = TryEncode(id, answer, out error);
        if (frame is null)
        {
            frames.Abort(FrameConnectionEnd.ProtocolViolation, error);
        }

        return frame;
    }

    /// <summary>Takes the frame unless the connection is full.</summary>
    public bool TrySend(FrameBuffer frame)
    {
        if (frames.TrySend(frame.Finish()) == SendStatus.Full)
        {
            return false;
        }

        frame.Dispose();
        return true;
    }

    /// <summary>Takes the frame when there is room for it; a peer that makes none in time loses the connection.</summary>
    public async Task SendLaterAsync(FrameBuffer frame)
    {
        var status = await frames.SendAsync(frame.Finish(), options.SendTimeout, options.Time).ConfigureAwait(false);
        frame.Dispose();
        if (status == SendStatus.Full)
        {
            frames.Abort(
                FrameConnectionEnd.ProtocolViolation,
                new TimeoutException($"the peer did not read its answers for {options.SendTimeout}"));
        }
    }

    private FrameBuffer? TryEncode(CorrelationId id, AgentResponse answer, out Exception? error)
    {
        var frame = FrameBuffer.Rent(MessageType.AgentResponse);
        try
        {
            if (answer.Decision is null)
            {
                throw new InvalidOperationException("the handler's answer has no decision; use allow, block, redirect or challenge");
            }

            encoding.WriteResponse(frame, id, answer);
            frame.Finish();
            error = null;
            return frame;
        }
        catch (Exception e)
        {
            frame.Dispose();
            error = e;
            return null;
        }
    }
}
