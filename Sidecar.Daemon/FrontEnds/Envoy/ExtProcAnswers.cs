using Sidecar.Protocol.Envoy;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>The one way out of a stream: one answer at a time, nothing after the last one, nothing at all where Envoy only observes. Safe from any thread.</summary>
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

    /// <inheritdoc/>
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
