using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>
/// Configurations on a wire that has no answer to them: the pong behind one accepts it, the end of the stream refuses it (spec §6.5). Safe
/// from any thread.
/// </summary>
/// <remarks>
/// Agents of our SDK say a word all the same, and its refusal counts; agents that never look at configurations send the pong too.
/// </remarks>
internal sealed class ConsentByPong(FrameConnection frames, AgentDialect dialect, TimeProvider time)
{
    private const string EndedStream = "the agent ended the stream when it was given its configuration";

    private Question? _question;
    private int _unanswered;

    /// <summary>Sends a configuration with a ping behind it, and waits for what the agent makes of it. One at a time.</summary>
    /// <param name="encoding">The encoding of the configuration.</param>
    /// <param name="message">The configuration.</param>
    /// <param name="ping">A ping that no other is like.</param>
    /// <param name="deadline">When the time is up, a timestamp of the clock.</param>
    public async ValueTask<CallResult> AskAsync(MessageEncoding encoding, ConfigureEvent message, PingMessage ping, long deadline)
    {
        var question = new Question(ping.Sequence);
        Volatile.Write(ref _question, question);
        try
        {
            var status = Send(encoding, message, ping);
            if (status != SendStatus.Sent)
            {
                return status == SendStatus.Closed
                    ? CallResult.Failed(CallOutcome.ConnectionLost, "the connection is ending")
                    : CallResult.Failed(CallOutcome.NoRoom, "the agent does not read: the write buffer is full");
            }

            var left = time.GetElapsedTime(time.GetTimestamp(), deadline);
            return await question.Word.Task.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        }
        catch (FrameTooLongException e)
        {
            return CallResult.Failed(CallOutcome.NotSendable, e.Message);
        }
        catch (TimeoutException)
        {
            return CallResult.Failed(CallOutcome.TimedOut, "the agent did not answer the ping behind its configuration in time");
        }
        finally
        {
            Interlocked.CompareExchange(ref _question, null, question);
        }
    }

    /// <summary>A pong has come.</summary>
    public void TakePong(ReadOnlyMemory<byte> payload)
    {
        try
        {
            if (Volatile.Read(ref _question) is { } question && dialect.ReadPong(payload) == question.Sequence)
            {
                question.Word.TrySetResult(CallResult.Answered(AgentResponse.Allow));
            }
        }
        catch (ProtocolException)
        {
            // A sign of life it is all the same.
        }
    }

    /// <summary>Takes the word of an agent that has one.</summary>
    /// <returns>Why the connection must end, when the word refuses what nobody waits for any more; null when all is well.</returns>
    public string? Take(in CallResult result)
    {
        // All words have the same id; an earlier configuration's comes first, and must not be taken for the last one's.
        var isLast = Interlocked.Decrement(ref _unanswered) <= 0;
        return isLast && Volatile.Read(ref _question) is { } question && question.Word.TrySetResult(result)
            ? null
            : ConfigurationPush.Refusal(result);
    }

    /// <summary>The connection has ended.</summary>
    /// <param name="isByAgent">Whether the agent ended the stream, and without an error: nothing broke.</param>
    /// <param name="cause">Why it ended, in words.</param>
    public void End(bool isByAgent, string cause) => Volatile.Read(ref _question)?.Word.TrySetResult(isByAgent
        ? CallResult.Answered(new AgentResponse { Decision = new BlockDecision { Body = EndedStream } })
        : CallResult.Failed(CallOutcome.ConnectionLost, cause));

    private SendStatus Send(MessageEncoding encoding, ConfigureEvent message, PingMessage ping)
    {
        using var configuration = FrameBuffer.Rent(message.Type);
        encoding.WriteEvent(configuration, message);

        // Before it leaves: its word must find it counted.
        Interlocked.Increment(ref _unanswered);
        var status = frames.TrySend(configuration.Finish());
        if (status != SendStatus.Sent)
        {
            Interlocked.Decrement(ref _unanswered);
            return status;
        }

        using var behind = FrameBuffer.Rent(MessageType.Ping);
        dialect.WritePing(behind, ping);
        return frames.TrySend(behind.Finish());
    }

    private sealed class Question(ulong sequence)
    {
        public ulong Sequence => sequence;

        public TaskCompletionSource<CallResult> Word { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
