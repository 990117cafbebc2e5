using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections;

/// <summary>Configurations on a wire where agents need not answer them: some of them do, and a refusal counts (spec §5.3, §6.5, §9.9). Safe from any thread.</summary>
internal sealed class SilentConfiguration(FrameConnection frames, TimeProvider time)
{
    // Agents that answer do so when they have looked at it; the others never do, and nobody is to wait long for them.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private TaskCompletionSource<CallResult>? _word;
    private int _unanswered;

    /// <summary>Sends a configuration and waits for nothing.</summary>
    /// <exception cref="FrameTooLongException">It does not fit into a message.</exception>
    public SendStatus Tell(MessageEncoding encoding, ConfigureEvent message)
    {
        using var frame = FrameBuffer.Rent(message.Type);
        encoding.WriteEvent(frame, message);
        // Before it leaves: its answer must find it counted.
        Interlocked.Increment(ref _unanswered);
        var status = frames.TrySend(frame.Finish());
        if (status != SendStatus.Sent)
        {
            Interlocked.Decrement(ref _unanswered);
        }

        return status;
    }

    /// <summary>Sends a configuration and gives the agent a second to refuse it: silence is consent. One at a time.</summary>
    public async ValueTask<CallResult> AskAsync(MessageEncoding encoding, ConfigureEvent message, long deadline)
    {
        var word = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _word, word);
        try
        {
            var status = Tell(encoding, message);
            if (status != SendStatus.Sent)
            {
                return status == SendStatus.Closed
                    ? CallResult.Failed(CallOutcome.ConnectionLost, "the connection is ending")
                    : CallResult.Failed(CallOutcome.NoRoom, "the agent does not read: the write buffer is full");
            }

            var left = time.GetElapsedTime(time.GetTimestamp(), deadline);
            return await word.Task.WaitAsync(left < Grace ? (left > TimeSpan.Zero ? left : TimeSpan.Zero) : Grace, time).ConfigureAwait(false);
        }
        catch (FrameTooLongException e)
        {
            return CallResult.Failed(CallOutcome.NotSendable, e.Message);
        }
        catch (TimeoutException)
        {
            return CallResult.Answered(new AgentResponse());
        }
        finally
        {
            Interlocked.CompareExchange(ref _word, null, word);
        }
    }

    /// <summary>Takes the agent's word.</summary>
    /// <returns>Why the connection must end, when the word refuses what nobody waits for any more; null when all is well.</returns>
    public string? Take(in CallResult result)
    {
        // All answers have the same id; an earlier configuration's comes first, and must not be taken for the last one's.
        var isLast = Interlocked.Decrement(ref _unanswered) <= 0;
        return isLast && Interlocked.Exchange(ref _word, null) is { } word && word.TrySetResult(result) ? null : ConfigurationPush.Refusal(result);
    }

    /// <summary>The connection has ended.</summary>
    public void End(string cause) => Interlocked.Exchange(ref _word, null)?.TrySetResult(CallResult.Failed(CallOutcome.ConnectionLost, cause));
}
