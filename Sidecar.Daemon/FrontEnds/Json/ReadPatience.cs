using System.IO.Pipelines;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>How long a question may take to arrive. Costs nothing where it is there already.</summary>
internal sealed class ReadPatience(TimeSpan limit, TimeProvider time, CancellationToken gone) : IDisposable
{
    private CancellationTokenSource? _timeout;
    private CancellationTokenSource? _either;

    /// <summary>Waits for more.</summary>
    /// <exception cref="QuestionException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">Nobody sends any more.</exception>
    public async ValueTask<ReadResult> ReadAsync(PipeReader input)
    {
        _timeout ??= new CancellationTokenSource(limit, time);
        _either ??= CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, gone);
        try
        {
            return await input.ReadAsync(_either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_timeout.IsCancellationRequested && !gone.IsCancellationRequested)
        {
            throw new QuestionException(QuestionError.TooSlow(limit));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _either?.Dispose();
        _timeout?.Dispose();
    }
}
