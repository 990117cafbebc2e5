using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// One connection of a script that asks in frames, without HTTP (proxy integration §0.6, §2.3): one question after the other, each answered
/// by a frame.
/// </summary>
/// <remarks>
/// A frame whose JSON makes no sense is answered with an error, and the next one is read. Bytes that are no frame, or half of one for too
/// long, are answered with an error and the connection is closed: nobody knows where the next question would begin.
/// </remarks>
internal sealed class FramesConnection(JsonListenerOptions options, DecisionService decider, LogThrottle pace, ILogger logger)
{
    // '{' of the head behind its length; a SPOP frame has 1 there.
    private const int FirstOfHead = sizeof(uint);

    private readonly DecideRequestSource _source = new(options, decider.BodyMemory, decider.Time);

    /// <summary>
    /// Answers questions until the peer closes, stays silent for too long, sends garbage, or it is time to stop. Never throws.
    /// </summary>
    /// <param name="pipe">The connection; completed at the end.</param>
    /// <param name="gone">Fires when the peer has gone.</param>
    /// <param name="stopping">Fires when no further question is to be read; one under way is answered.</param>
    /// <param name="leaving">
    /// Fires when the next answer is to be the last one: its script then asks on a new connection, and never into one that just closed.
    /// </param>
    public async Task RunAsync(IDuplexPipe pipe, CancellationToken gone, CancellationToken stopping, CancellationToken leaving = default)
    {
        Exception? failure = null;
        try
        {
            while (await HasMoreAsync(pipe.Input, gone, stopping).ConfigureAwait(false)
                && await AnswerNextAsync(pipe, gone).ConfigureAwait(false)
                && !leaving.IsCancellationRequested)
            {
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The peer is gone, or does not read.
            failure = e;
        }
        catch (Exception e)
        {
            Log.Failed(logger, options.Name, e);
            failure = e;
        }

        await pipe.Output.CompleteAsync(failure).ConfigureAwait(false);
        await pipe.Input.CompleteAsync(failure).ConfigureAwait(false);
    }

    // Waits for the first byte of a question. False at the end.
    private async ValueTask<bool> HasMoreAsync(PipeReader input, CancellationToken gone, CancellationToken stopping)
    {
        if (!stopping.IsCancellationRequested && input.TryRead(out var ready))
        {
            input.AdvanceTo(ready.Buffer.Start);
            if (!ready.Buffer.IsEmpty || ready.IsCompleted)
            {
                return !ready.Buffer.IsEmpty;
            }
        }

        using var idle = new CancellationTokenSource(options.KeepAlive, decider.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, gone, stopping);
        try
        {
            var result = await input.ReadAsync(either.Token).ConfigureAwait(false);
            input.AdvanceTo(result.Buffer.Start);
            return !result.Buffer.IsEmpty;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // False when the connection is of no more use.
    private async ValueTask<bool> AnswerNextAsync(IDuplexPipe pipe, CancellationToken gone)
    {
        ReceivedDecideRequest? received = null;
        try
        {
            await CheckBeginningAsync(pipe.Input, gone).ConfigureAwait(false);
            received = await _source.ReceiveFrameAsync(pipe.Input, gone).ConfigureAwait(false);
            var others = decider.ForOthers(received, JsonRelay.Form.AnswersFrame);
            using var answer = await decider.DecideAsync(received.Read(options), received.Arrived, gone, others).ConfigureAwait(false);
            await SendAsync(pipe.Output, answer).ConfigureAwait(false);
            return true;
        }
        catch (DecideRequestException e)
        {
            decider.Exchanges.Account(LedgerState.Refused, e.Error.Cause);
            if (pace.MayLog(e.Error.Code, out var leftOut))
            {
                Log.Wrong(logger, options.Name, e.Error.Message, leftOut);
            }

            await SendAsync(pipe.Output, Answer.Of(e.Error)).ConfigureAwait(false);
            return received is not null;
        }
        catch (Exception e) when (received is null && e is IOException or OperationCanceledException)
        {
            decider.Exchanges.Account(LedgerState.Abandoned, Cause.ClientGone);
            return false;
        }
        finally
        {
            received?.Dispose();
        }
    }

    // Garbage is told as such at once, not after its first bytes were taken for a length and waited for.
    private async ValueTask CheckBeginningAsync(PipeReader input, CancellationToken gone)
    {
        using var patience = new ReadTimeout(options.ReadTimeout, decider.Time, gone);
        while (true)
        {
            if (!input.TryRead(out var result))
            {
                result = await patience.ReadAsync(input).ConfigureAwait(false);
            }

            var buffer = result.Buffer;
            var isThere = buffer.Length > FirstOfHead;
            var first = isThere ? buffer.Slice(FirstOfHead, 1).FirstSpan[0] : (byte)'{';
            var isEnough = isThere || result.IsCompleted;
            input.AdvanceTo(buffer.Start, isEnough ? buffer.Start : buffer.End);
            if (first != (byte)'{')
            {
                throw DecideRequestException.Malformed("a frame begins with the length of its head (4 bytes, big-endian) and '{'; the "
                    + $"fifth byte is 0x{first:x2}; HTTP is spoken on a listener http=PATH,proxy=json");
            }

            if (isEnough)
            {
                return;
            }
        }
    }



    private async ValueTask SendAsync(PipeWriter output, Answer answer)
    {
        var frame = new ArrayBufferWriter<byte>(1024);
        AnswerWriter.Write(frame, answer, asFrame: true);

        // A peer that asks and does not read holds its connection no longer than one that does not send.
        using var patience = new CancellationTokenSource(options.ReadTimeout, decider.Time);
        await output.WriteAsync(frame.WrittenMemory, patience.Token).ConfigureAwait(false);
    }
}
