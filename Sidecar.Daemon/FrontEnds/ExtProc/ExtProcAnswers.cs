using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// The one way out of a stream: one answer at a time, nothing after the last one, nothing at all where Envoy only observes. Safe from any thread.
/// </summary>
internal sealed class ExtProcAnswers(IExtProcOutput output, bool isSilent) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile bool _isClosed;

    /// <summary>Whether nothing may be said any more.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>Says nothing from now on.</summary>
    public void Close() => _isClosed = true;

    /// <summary>Writes an answer unless the last has been given.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="isLast">Whether it ends everything.</param>
    /// <exception cref="ExtProcOutputException">It could not be written; nothing will be any more.</exception>
    public async ValueTask WriteAsync(ProcessingResponse answer, bool isLast = false)
    {
        // Each write of the output is bounded, so this wait is too.
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_isClosed)
            {
                _isClosed = isLast;
                await WriteOutAsync(answer).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async ValueTask WriteOutAsync(ProcessingResponse answer)
    {
        if (isSilent)
        {
            return;
        }

        try
        {
            await output.WriteAsync(answer).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _isClosed = true;
            throw new ExtProcOutputException(e);
        }
    }
}

/// <summary>Where the answers of one ext_proc stream go. Implemented by what speaks gRPC.</summary>
internal interface IExtProcOutput
{
    /// <summary>Writes an answer. Called for one answer at a time.</summary>
    /// <param name="answer">The answer; it refers to memory that is only valid until the returned task ends, so it is encoded by then.</param>
    /// <returns>When it is written. Fails within a bounded time when the peer does not read or is gone; that ends the stream.</returns>
    ValueTask WriteAsync(ProcessingResponse answer);
}

/// <summary>An answer could not be written: the peer is gone or does not read. No defect of ours.</summary>
internal sealed class ExtProcOutputException(Exception cause) : Exception("an answer could not be written: " + cause.Message, cause);
